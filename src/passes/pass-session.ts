/** The session of a run in several passes: one model on all rows, then others on some of them. */

import { existsSync } from "node:fs";
import { dirname, join } from "node:path";
import { completeTogether } from "../steps/complete-together.ts";
import { InputError, StoreError } from "../core/errors.ts";
import type { AnswerForm } from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import type { PassRole } from "../core/pass.ts";
import { mergedProgress, type Progress } from "../core/progress.ts";
import { rowTally, type Receipt } from "../core/receipt.ts";
import { passesReceipt, passTally, type PassTally } from "../core/receipt-passes.ts";
import { ROW_ERROR_CODES, type RowErrorCode } from "../core/result.ts";
import { chosenRows } from "../frame/chosen-rows.ts";
import { mergedCells, passedRows, settledOutcome, type MergedRow } from "./pass-rows.ts";
import { spendingOf } from "../session/run-budget.ts";
import { openSession, type Conduct, type Session } from "../session/session.ts";
import { relayedCells } from "../session/relayed-cells.ts";
import type { WriteCells } from "../session/write-cells.ts";
import type { Settings } from "../session/settings.ts";
import type { JoinedRows } from "../stages/join.ts";
import { readPasses, writePasses } from "../store/passes-file.ts";
import { STORE_FILE } from "../store/sqlite.ts";
import { isBegun, readSqliteRun, requestCancel } from "../store/sqlite-reader.ts";
import { removeRunFiles } from "../store/sqlite-remove.ts";

/** A pass that is open. */
export interface Pass {
  readonly role: PassRole;
  readonly session: Session;
}

/** The passes of a run so far, in order; there is always a first. */
export type PassList = readonly [Pass, ...Pass[]];

/** A pass that is to be made. */
export interface ChosenPass {
  readonly role: PassRole;
  /** A byte for each row, 1 where the pass asks it. */
  readonly rows: Uint8Array;
}

/** What the passes of a run are, and how one follows from those before it. */
export interface PassPlan {
  /** The role of the first pass, which asks every row. */
  readonly first: PassRole;
  /** The roles that passes after it may have. */
  readonly later: readonly PassRole[];
  /** The settings of a later pass, but for its rows and where it is kept. */
  readonly other: Settings;
  /** What the run is known by besides the settings of its first pass. */
  readonly followedBy: Json;
  /** What the answers are in the end. */
  readonly form: AnswerForm;
  /** Whether the last pass that asked a row decides it though it failed there; an earlier answer stands when left out. */
  readonly latestDecides?: true;
  /** What is worth knowing before anything is sent, in sentences. */
  readonly warnings: readonly string[];
  /**
   * The pass after some that are complete, null when none is needed. `decision` is what was decided
   * before; `decide` records a new one, durably, before anything is sent by it.
   */
  next(
    passes: PassList,
    decision: Json,
    decide: (decision: Json) => Promise<void>,
  ): Promise<ChosenPass | null>;
  /** What the receipt says of the run, beyond what is said of every run in passes. */
  report(receipt: Receipt, decision: Json): Receipt;
  /** Failures that are handed to a later pass, and so not asked again by the first. */
  readonly handedOn: ReadonlySet<RowErrorCode>;
}

/**
 * Opens a session over the passes of a run: each is a run of its own below one directory, so every one
 * of them survives what a run survives, and answers are read from the last that has one.
 *
 * A pass is made when those before it are complete, and asks only its own rows. Once the last is
 * complete that is written down, and no further pass is made but after a retry of the first. A run that
 * was cancelled makes none.
 *
 * @throws what opening any session throws, for the first pass.
 */
export async function openPasses(
  settings: Settings,
  conduct: Conduct,
  plan: PassPlan,
): Promise<Session> {
  // A cap that cannot be kept for want of a price is told now, not when the first model has been paid.
  spendingOf(conduct.purse ?? null, plan.other, plan.first);
  const progress = new Map<number, Progress>();
  const isOver = { now: false };
  const conductOf = (at: number): Conduct => ({
    ...conduct,
    ...(at === 0 ? { handedOn: plan.handedOn } : {}),
    onOpen: ({ id, directory, resumed }) => {
      if (at === 0) conduct.onOpen({ id, directory: dirname(directory), resumed });
    },
    onProgress: (latest) => {
      progress.set(at, latest);
      const all = mergedProgress([...progress.values()]);
      // Nobody knows yet whether another pass comes.
      const isEarly = all.phase === "done" && !isOver.now;
      conduct.onProgress(isEarly ? { ...all, phase: "downloading" } : all);
    },
  });
  const place = { folder: `1-${plan.first}`, followedBy: plan.followedBy };
  const first = await openSession({ ...settings, pass: place }, conductOf(0));
  const directory = dirname(first.directory);
  const run: PassRun = {
    ...{ settings, plan, directory, isOver, conductOf },
    firstIdentity: readSqliteRun(first.directory).run.identity,
    passes: [{ role: plan.first, session: first }],
  };
  try {
    refuseOtherRun(directory, first.id);
    while (await openExisting(run)) continue;
    return passSession(run, first);
  } catch (error) {
    await close(run);
    throw error;
  }
}

interface PassRun {
  readonly settings: Settings;
  readonly plan: PassPlan;
  readonly directory: string;
  readonly firstIdentity: string;
  /** Whether no further pass will come. */
  readonly isOver: { now: boolean };
  readonly conductOf: (at: number) => Conduct;
  readonly passes: [Pass, ...Pass[]];
}

function refuseOtherRun(directory: string, id: string): void {
  if (!existsSync(join(directory, STORE_FILE))) return;
  throw new StoreError(
    "run_differs",
    `There is a run named ${JSON.stringify(id)} already, and it asks one model only. Nothing was sent.`,
    { hint: "Choose another --name, or leave it out to have one made." },
  );
}

async function close({ passes }: PassRun): Promise<void> {
  for (const { session } of passes.toReversed()) await session[Symbol.asyncDispose]();
}

/** Opens the next pass if it was made before, by whatever process. */
async function openExisting(run: PassRun): Promise<boolean> {
  const number = run.passes.length + 1;
  const role = run.plan.later.find((one) => isBegun(join(run.directory, folderOf(number, one))));
  if (role === undefined) return false;
  const isPlanned = readSqliteRun(join(run.directory, folderOf(number, role))).run.plan !== null;
  const before: PassList = [...run.passes];
  // One that was killed before its plan was complete is planned anew, from what has not changed since.
  const rows = async (): Promise<Uint8Array | null> =>
    isPlanned ? null : ((await chosenNext(run, before))?.rows ?? new Uint8Array());
  await openPass(run, role, rows);
  return true;
}

function folderOf(number: number, role: PassRole): string {
  return `${String(number)}-${role}`;
}

async function chosenNext(run: PassRun, passes: PassList): Promise<ChosenPass | null> {
  const { decision } = readPasses(run.directory);
  return await run.plan.next(passes, decision, async (made) => {
    await writePasses(run.directory, { endedFor: null, decision: made });
  });
}

async function openPass(
  run: PassRun,
  role: PassRole,
  rows: () => Promise<Uint8Array | null>,
): Promise<Pass> {
  const { settings, plan, directory, firstIdentity, passes, conductOf } = run;
  const { frame, limit, long } = settings;
  const folder = folderOf(passes.length + 1, role);
  const session = await openSession(
    {
      ...plan.other,
      ...{ limit, long, runDir: directory, name: folder, mayAskNothing: true },
      frame: chosenRows(frame, rows),
      whole: passes[0].session.id,
      pass: { folder: "", first: firstIdentity },
    },
    conductOf(passes.length),
  );
  const pass = { role, session };
  passes.push(pass);
  return pass;
}

/** Makes the next pass, if there is to be one; otherwise writes down that there is none. */
async function makeNext(run: PassRun): Promise<Pass | null> {
  const [first] = run.passes;
  const { finishedAtMs } = readSqliteRun(first.session.directory).run;
  if (readPasses(run.directory).endedFor === finishedAtMs) return null;
  const chosen = isCancelled(run) ? null : await chosenNext(run, run.passes);
  if (chosen === null || isCancelled(run)) {
    const { decision } = readPasses(run.directory);
    await writePasses(run.directory, { endedFor: finishedAtMs, decision });
    return null;
  }
  const pass = await openPass(run, chosen.role, () => Promise.resolve(chosen.rows));
  await pass.session.plan();
  // Asked while the pass was being made, the wish reached only those before it.
  if (isCancelled(run)) requestCancel(pass.session.directory);
  return pass;
}

function isCancelled({ passes }: PassRun): boolean {
  return passes.some(
    ({ session }) => readSqliteRun(session.directory).run.cancelRequestedAtMs !== null,
  );
}

function passSession(run: PassRun, first: Session): Session {
  const { passes, plan, directory } = run;
  return {
    id: first.id,
    directory,
    columns: first.columns,
    ...(first.old === undefined ? {} : { old: first.old }),
    get looks() {
      return first.looks;
    },
    get warnings() {
      return [...first.warnings, ...plan.warnings];
    },
    plan: async () => {
      try {
        return await first.plan();
      } catch (error) {
        // The first pass has removed what it kept; a leftover would only be in the way.
        if (error instanceof InputError) await removeRunFiles(directory);
        throw error;
      }
    },
    // What later passes will cost depends on answers, and no plan can say it.
    // Which rows a later pass asks follows from whole answers of the one before.
    completesShort: false,
    cost: () => first.cost(),
    compare: (earlier) => first.compare(earlier),
    drive: async (how) => {
      for (let at = 0; ; at++) {
        const pass = passes[at] ?? (await makeNext(run));
        if (pass === null) break;
        await pass.session.plan();
        if (!(await pass.session.drive(how))) return false;
      }
      run.isOver.now = true;
      return true;
    },
    take: (given) => first.take(given),
    requestFiles: () => first.requestFiles(),
    requestCancel: () => {
      for (const { session } of passes) session.requestCancel();
    },
    retry: async (codes = ROW_ERROR_CODES) => {
      let retried = 0;
      for (const [at, { session }] of passes.entries()) {
        const isHandedOn = at === 0 && passes.length > 1;
        const own = codes.filter((code) => !isHandedOn || !plan.handedOn.has(code));
        if (own.length > 0) retried += await session.retry(own);
      }
      return retried;
    },
    rows: (firstRow) => settledRows(run, firstRow),
    cells: () =>
      mergedCells({
        columns: first.columns,
        column: run.settings.column,
        latestDecides: plan.latestDecides === true,
        passes: passes.map(({ session }) => session.cells()),
      }),
    complete: (write) => completePasses(run, write),
    [Symbol.asyncDispose]: () => close(run),
  };
}

async function* settledRows(
  { passes, plan }: PassRun,
  firstRow?: number,
): AsyncGenerator<JoinedRows> {
  const sessions = passes.map(({ session }) => session);
  for await (const rows of passedRows(sessions, firstRow)) {
    const count = rows.passes[0]?.length ?? 0;
    const outcomes = Array.from({ length: count }, (_, row) =>
      settledOutcome(
        rows.passes.flatMap((pass) => pass[row] ?? []),
        plan.latestDecides === true,
      ),
    );
    yield { firstRow: rows.firstRow, outcomes, rejudged: [] };
  }
}

async function completePasses(run: PassRun, write: WriteCells): Promise<Receipt> {
  const { passes, plan, settings, directory } = run;
  const { form } = plan;
  const columns = passes[0].session.columns;
  const rows = rowTally(form.kind === "labels" ? form.labels.map(({ name }) => name) : null);
  const tallies = passes.map(passTally);
  const receipts = await completeTogether(
    passes.map(({ session }) => session),
    async (all) => {
      const { column } = settings;
      const latestDecides = plan.latestDecides === true;
      const merged = relayedCells(all, {
        make: (own, firstRow) =>
          mergedCells({
            ...{ columns, column, latestDecides, firstRow, passes: own },
            onRow: (row) => {
              count(row, { columns: columns.map(({ name }) => name), settings, rows, tallies });
            },
          }),
        counted: {
          saved: () =>
            ({ rows: rows.saved(), tallies: structuredClone(tallies) as object[] }) as Json,
          restore: (saved) => {
            const from = saved as { readonly rows: Json; readonly tallies: Json[] };
            rows.restore(from.rows);
            for (const [at, tally] of tallies.entries()) Object.assign(tally, from.tallies[at]);
          },
        },
        journal: join(directory, "writing.json"),
        madeWith: { column, latestDecides },
      });
      return await write(columns, merged.cells, merged.resume);
    },
  );
  const accounts = passes.flatMap(({ role }, at) => {
    const [receipt, tally] = [receipts[at], tallies[at]];
    const { provider, model } = (at === 0 ? settings : plan.other).model;
    if (receipt === undefined || tally === undefined) return [];
    return [{ role, model: `${provider.id}/${model}`, receipt, tally }];
  });
  const { failedBy, labels } = rows;
  const receipt = passesReceipt(passes[0].session.id, accounts, {
    ...{ rows: rows.rows(), failedBy, labels },
  });
  return plan.report(receipt, readPasses(directory).decision);
}

interface Counting {
  readonly columns: readonly string[];
  readonly settings: Settings;
  readonly rows: ReturnType<typeof rowTally>;
  readonly tallies: readonly PassTally[];
}

/** Counts a row once for the run, and once for each pass that asked it. */
function count(
  { cells, pass, statuses, errors }: MergedRow,
  { columns, settings, rows, tallies }: Counting,
): void {
  const cell = (end: string): unknown => cells[columns.indexOf(`${settings.column}${end}`)];
  const status = cell("_status");
  if (status === "ok" || status === "cached") rows.answered(cell(""), status);
  else if (status === "failed") rows.failed(cell("_error") as RowErrorCode);
  else rows.skipped("blank");
  for (const [at, tally] of tallies.entries()) {
    const own = statuses[at];
    if (own === "skipped") continue;
    tally.rows += 1;
    if (own === "failed") tally.failed += 1;
    else if (at === pass) tally.answers += 1;
    const before = errors.slice(0, at).findLast((code) => code !== null);
    if (typeof before === "string")
      tally.cameFor[before as RowErrorCode] = (tally.cameFor[before as RowErrorCode] ?? 0) + 1;
  }
}
