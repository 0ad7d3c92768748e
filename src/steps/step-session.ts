/** The session of a run with several columns: one session a step, later ones over the answers of earlier ones. */

import { join } from "node:path";
import { completeTogether, type Completed } from "./complete-together.ts";
import type { NewCells } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import type { PlanCounts } from "../core/plan.ts";
import { mergedCounts } from "../core/plan.ts";
import { mergedCost } from "../core/plan-cost.ts";
import { mergedProgress, stepProgress, type Progress } from "../core/progress.ts";
import { mergedReceipt, stepTally, type Receipt } from "../core/receipt.ts";
import type { Frame } from "../frame/frame.ts";
import { rowQueue } from "../frame/new-columns.ts";
import type { OldAnswers } from "../frame/old-answers.ts";
import { frameWithAnswers } from "../frame/with-answers.ts";
import type { Conduct, Session } from "../session/session.ts";
import { keepingSession, keptCells } from "../session/keeping-session.ts";
import { relayedCells } from "../session/relayed-cells.ts";
import type { WriteCells } from "../session/write-cells.ts";
import type { JoinedRows, RowOutcome } from "../stages/join.ts";

/** One step of a run, ready to be opened once the steps it needs are complete. */
export interface Step {
  readonly column: string;
  /** The positions of the steps whose columns it reads. */
  readonly needs: readonly number[];
  /** Opens its session over a frame that has the columns of the steps it needs. */
  open(frame: Frame, conduct: Conduct): Promise<Session>;
}

/** What a session of steps is made of. */
export interface StepsInput {
  readonly id: string;
  /** Asked once the first step is open. */
  readonly directory: () => string;
  readonly base: Frame;
  readonly steps: readonly Step[];
  readonly conduct: Conduct;
  /** How the outcomes of one row in all steps make the row's own; by column when left out. */
  readonly together?: (row: readonly RowOutcome[]) => RowOutcome;
}

/**
 * A session over several steps; each is a run of its own inside the directory, so every one of them
 * survives what a run survives.
 *
 * Steps that need no others are driven together; one that needs others begins when those are complete.
 * The plan counts the steps that can be planned: what a later step asks depends on answers.
 *
 * @throws {InputError} for anything wrong with a step that needs no others, before anything is sent.
 */
export async function openSteps(input: StepsInput): Promise<Session> {
  const progress = new Map<number, Progress>();
  const opened = new Map<number, Promise<Session>>();
  const open = (at: number): Promise<Session> => {
    const known = opened.get(at);
    if (known !== undefined) return known;
    const opening = openStep(at, input, { progress, open });
    opened.set(at, opening);
    return opening;
  };
  const close = async (): Promise<void> => {
    for (const session of await Promise.allSettled(opened.values()))
      if (session.status === "fulfilled") await session.value[Symbol.asyncDispose]();
  };
  const free = input.steps.flatMap(({ needs }, at) => (needs.length === 0 ? [at] : []));
  try {
    const sessions = await Promise.all(free.map(open));
    input.conduct.onOpen({ id: input.id, directory: input.directory(), resumed: false });
    return stepsSession(input, { free: sessions, open, close, opened });
  } catch (error) {
    await close();
    throw error;
  }
}

interface Opening {
  readonly progress: Map<number, Progress>;
  readonly open: (at: number) => Promise<Session>;
}

async function openStep(at: number, input: StepsInput, opening: Opening): Promise<Session> {
  const step = stepAt(input.steps, at);
  const needed = await Promise.all(step.needs.map(opening.open));
  const answers = needed.map((session, index) => ({
    columns: session.columns,
    status: `${stepAt(input.steps, step.needs[index] ?? 0).column}_status`,
    // A later step reads what an earlier one leaves in its place.
    cells: () => keepingSession(session).cells(),
  }));
  const frame = answers.length === 0 ? input.base : frameWithAnswers(input.base, answers);
  return await step.open(frame, {
    ...input.conduct,
    onOpen: () => undefined,
    onProgress: (latest) => {
      opening.progress.set(at, stepProgress(step.column, latest));
      input.conduct.onProgress(mergedProgress([...opening.progress.values()]));
    },
  });
}

function stepAt(steps: readonly Step[], at: number): Step {
  const step = steps[at];
  if (step !== undefined) return step;
  throw new RangeError(`There is no step ${String(at)}.`);
}

interface Sessions {
  /** Those of the steps that need no others. */
  readonly free: readonly Session[];
  readonly open: (at: number) => Promise<Session>;
  readonly close: () => Promise<void>;
  readonly opened: ReadonlyMap<number, Promise<Session>>;
}

function stepsSession(input: StepsInput, sessions: Sessions): Session {
  const { steps } = input;
  const all = (): Promise<readonly Session[]> =>
    Promise.all(steps.map((_, at) => sessions.open(at)));
  return {
    id: input.id,
    directory: input.directory(),
    get looks() {
      return sessions.free.flatMap(({ looks }) => looks);
    },
    get warnings() {
      // Steps that ask one model say the same of it.
      const said = new Set(sessions.free.flatMap(({ warnings }) => warnings));
      return [...said, ...laterWarnings(steps)];
    },
    // What later steps add is known once they are open, which they are when anybody asks for cells.
    get columns() {
      return sessions.free.flatMap(({ columns }) => columns);
    },
    cells: async function* () {
      const open = await all();
      yield* zippedCells(
        open.map(({ columns }) => columns.length),
        open.map((session) => keepingSession(session).cells()),
      );
    },
    plan: async () => mergedCounts(await plansOf(sessions.free)),
    cost: async () => mergedCost(await Promise.all(sessions.free.map((session) => session.cost()))),
    compare: async (earlier) => {
      const tallies = [];
      for (const session of sessions.free) tallies.push(...(await session.compare(earlier)));
      return tallies;
    },
    // A later step asks about whole columns only.
    completesShort: false,
    drive: (how) => driveSteps(steps, sessions.open, (session) => session.drive(how)),
    requestCancel: () => {
      for (const session of sessions.free) session.requestCancel();
    },
    retry: async (codes) => {
      let retried = 0;
      for (const session of sessions.free) retried += await session.retry(codes);
      return retried;
    },
    take: () => Promise.reject(onlyOneColumn("A batch or a file of replies is taken")),
    requestFiles: () => Promise.reject(onlyOneColumn("Request files are given")),
    rows: async function* (firstRow) {
      const together =
        input.together ?? ((row: readonly RowOutcome[]) => togetherOutcome(steps, row));
      yield* zippedRows(together, await all(), firstRow);
    },
    complete: async (write) => await completeSteps(input, await all(), write),
    [Symbol.asyncDispose]: sessions.close,
  };
}

async function plansOf(sessions: readonly Session[]): Promise<readonly PlanCounts[]> {
  const plans: PlanCounts[] = [];
  for (const session of sessions) plans.push(await session.plan());
  return plans;
}

/** Which steps the plan leaves out, since they ask about answers that are not there yet; none where all are planned. */
function laterWarnings(steps: readonly Step[]): readonly string[] {
  const later = steps.filter(({ needs }) => needs.length > 0);
  if (later.length === 0) return [];
  const names = later.map(({ column }) => JSON.stringify(column)).join(", ");
  return [
    `What is asked for ${names} depends on answers to come; neither those requests nor their cost is in the plan.`,
  ];
}

function onlyOneColumn(what: string): InputError {
  return new InputError(
    "steps_unsupported",
    `${what} by runs of one column only; this run has several. Nothing was sent.`,
    { hint: "Run the step alone with enrichColumn." },
  );
}

/** Drives every step as soon as those it needs are complete; false when some step was left with work. */
async function driveSteps(
  steps: readonly Step[],
  open: (at: number) => Promise<Session>,
  drive: (session: Session) => Promise<boolean>,
): Promise<boolean> {
  const ends: Promise<boolean>[] = [];
  for (const [at, { needs }] of steps.entries())
    ends.push(
      (async () => {
        const before = await Promise.all(needs.map((need) => ends[need] ?? Promise.resolve(true)));
        if (before.includes(false)) return false;
        const session = await open(at);
        await session.plan();
        return await drive(session);
      })(),
    );
  // All are waited for, even when one fails: a step left running would write to a store being closed.
  const ended = await Promise.allSettled(ends);
  const failure = ended.find(({ status }) => status === "rejected");
  if (failure?.status === "rejected") throw failure.reason;
  return ended.every((end) => end.status === "fulfilled" && end.value);
}

const ROWS_AT_ONCE = 1000;

/** The cells of all steps side by side, in blocks that fit whatever the steps' own blocks are. */
async function* zippedCells(
  widths: readonly number[],
  cells: readonly AsyncIterable<NewCells>[],
  start = 0,
): AsyncGenerator<NewCells> {
  const queues = cells.map((own, at) => rowQueue(own, widths[at] ?? 0, start));
  const width = widths.reduce((sum, own) => sum + own, 0);
  try {
    for (let firstRow = start; ;) {
      await Promise.all(queues.map((queue) => queue.fill(ROWS_AT_ONCE)));
      const columns: NewCells["columns"][number][number][][] = Array.from(
        { length: width },
        () => [],
      );
      let rows = 0;
      for (; rows < ROWS_AT_ONCE; rows++) {
        const cells = queues.map((queue) => queue.take());
        if (cells.some((taken) => taken === null)) break;
        cells.flatMap((taken) => taken ?? []).forEach((cell, at) => columns[at]?.push(cell));
      }
      if (rows === 0) return;
      yield { firstRow, columns };
      firstRow += rows;
    }
  } finally {
    for (const queue of queues) await queue.close();
  }
}

/** Every row with the answers of all steps by column; a row of which any step failed has failed. */
async function* zippedRows(
  together: (row: readonly RowOutcome[]) => RowOutcome,
  sessions: readonly Session[],
  start = 0,
): AsyncGenerator<JoinedRows> {
  const readers = sessions.map((session) => outcomesOf(session, start));
  try {
    for (let firstRow = start; ;) {
      const rows = await nextRows(together, readers, firstRow);
      if (rows.outcomes.length === 0) return;
      yield rows;
      firstRow += rows.outcomes.length;
    }
  } finally {
    for (const reader of readers) await reader.return(undefined);
  }
}

async function* outcomesOf(
  session: Session,
  firstRow: number,
): AsyncGenerator<RowOutcome, undefined> {
  for await (const { outcomes } of session.rows(firstRow)) yield* outcomes;
}

async function nextRows(
  together: (row: readonly RowOutcome[]) => RowOutcome,
  readers: readonly AsyncGenerator<RowOutcome, undefined>[],
  firstRow: number,
): Promise<JoinedRows> {
  const outcomes: RowOutcome[] = [];
  while (outcomes.length < ROWS_AT_ONCE) {
    const taken = await Promise.all(readers.map((reader) => reader.next()));
    const row = taken.flatMap(({ value }) => value ?? []);
    if (row.length < readers.length) break;
    outcomes.push(together(row));
  }
  return { firstRow, outcomes, rejudged: [] };
}

function togetherOutcome(steps: readonly Step[], row: readonly RowOutcome[]): RowOutcome {
  const failed = row.find(({ status }) => status === "failed");
  if (failed !== undefined) return failed;
  const skipped = row.find(({ status }) => status === "skipped");
  if (skipped !== undefined) return skipped;
  const entries = row.map((outcome, at) => [
    stepAt(steps, at).column,
    "value" in outcome ? outcome.value : null,
  ]);
  const status = row.every((outcome) => outcome.status === "cached") ? "cached" : "ok";
  return { status, value: Object.fromEntries(entries) as unknown, toolCalls: [] };
}

/** Writes the cells of all steps at once, and makes one receipt of theirs. */
async function completeSteps(
  { id, steps, ...input }: StepsInput,
  sessions: readonly Session[],
  write: WriteCells,
): Promise<Receipt> {
  const tally = stepTally();
  const olds = sessions.flatMap(({ old }) => old ?? []);
  const receipts = await completeTogether(sessions, (parts) =>
    writeTogether(parts, { directory: input.directory(), steps, tally, olds, write }),
  );
  const byColumn = Object.fromEntries(
    receipts.map((receipt, at) => [stepAt(steps, at).column, receipt]),
  );
  return mergedReceipt(id, byColumn, tally.rows());
}

async function writeTogether(
  parts: readonly Completed[],
  {
    directory,
    steps,
    tally,
    olds,
    write,
  }: {
    readonly directory: string;
    readonly steps: readonly Step[];
    readonly tally: ReturnType<typeof stepTally>;
    readonly olds: readonly OldAnswers[];
    readonly write: WriteCells;
  },
): Promise<Awaited<ReturnType<WriteCells>>> {
  const columns = parts.flatMap((part) => part.columns);
  const statuses = steps.map(({ column }) =>
    columns.findIndex(({ name }) => name === `${column}_status`),
  );
  const widths = parts.map((part) => part.columns.length);
  // Counted before old answers stand among them, which this run has not given.
  const counted = async function* (
    own: readonly AsyncIterable<NewCells>[],
    firstRow: number,
  ): AsyncGenerator<NewCells> {
    for await (const block of zippedCells(widths, own, firstRow)) {
      const rows = block.columns[0]?.length ?? 0;
      for (let row = 0; row < rows; row++)
        tally.row(statuses.map((at) => block.columns[at]?.[row] ?? null));
      yield block;
    }
  };
  const journal = join(directory, "writing.json");
  const made = relayedCells(parts, {
    make: counted,
    counted: tally,
    journal,
    madeWith: steps.map(({ column }) => column),
  });
  // Each reads ahead of what is written, so each has places of its own, whose counts are of the rows before them.
  const kept = olds.reduce((given, old) => keptCells(given, { old, columns, journal }), made);
  return await write(columns, kept.cells, kept.resume);
}
