/** Votes: one question asked several times, and the answer most of them give. */

import type { Json } from "./core/hash.ts";
import type { DataFrame } from "nodejs-polars";
import type { NewCell, NewCells, NewColumn } from "./core/column.ts";
import { InputError } from "./core/errors.ts";
import { columnTaken, keptUnder, replacesExisting } from "./core/existing.ts";
import type { Receipt } from "./core/receipt.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { DEFAULT_COLUMN } from "./enrich-settings.ts";
import { EnrichRun } from "./enrich-run.ts";
import { lastingPath } from "./files/file-parts.ts";
import {
  checkHow,
  NOTHING_TOLD,
  withNotes,
  writeOutput,
  type FilePair,
} from "./files/file-output.ts";
import { openFile, type FileFrame } from "./files/files.ts";
import type { Frame } from "./frame/frame.ts";
import type { CellPlace, WriteResume } from "./frame/write-marks.ts";
import { askedOutput, type OutputOption } from "./output/form.ts";
import { ballotOf, decided, decisionColumns, voteName } from "./output/votes.ts";
import type { ModelRef } from "./provider/models.ts";
import type { RowOutcome } from "./stages/join.ts";
import type { RowFunction } from "./stages/render.ts";
import { withBadRows } from "./session/text-warnings.ts";
import type { PreviewTable } from "./previews/preview-run.ts";
import { textTable, frameTable } from "./previews/preview-tables.ts";
import { stepsPreview } from "./steps-preview.ts";
import { runOptionsOf, stepsJob, type JobStep } from "./steps-job.ts";

/** What is voted on. */
export interface Vote {
  readonly template: string | RowFunction["prompt"];
  readonly model: ModelRef;
  readonly options: EnrichOptions<string, OutputOption>;
}

/** Whether the options ask for a vote. */
export function isVoted({ votes }: EnrichOptions<string, OutputOption>): boolean {
  return votes !== undefined;
}

/**
 * A run over a dataframe in which every question is asked `votes` times, as requests of their own, and
 * the most frequent answer is taken; `<column>_agreement` holds its share.
 *
 * @throws {InputError} `option_invalid` for fewer than two votes, `option_unsupported` for answers that
 * cannot be compared (free text, vectors) and options that look at single requests.
 */
export function votedFrame<R, V>(rows: DataFrame, vote: Vote): EnrichRun<R, V> {
  const polars = () => import("./frame/polars.ts");
  const { steps, column, job } = votingJob<V>(
    vote,
    {
      frame: async () => (await polars()).polarsFrame(rows),
      memo: {},
    },
    frameTable(rows),
  );
  return new EnrichRun<R, V>({
    ...job,
    finish: async (session) => {
      const { withNewColumns, withReplacedColumns } = await polars();
      const widened = replacesExisting(vote.options.existing)
        ? withReplacedColumns
        : withNewColumns;
      let result = rows;
      const receipt = await session.complete(async (columns, cells) => {
        const decision = decisionOf(columns, cells, { column, votes: steps.length });
        result = await widened(rows, decision.columns, decision.cells);
        return { output: null, neutralisedCells: 0 };
      });
      return { result: result as unknown as R, receipt };
    },
  });
}

/** The same over a file; see {@link votedFrame}. */
export function votedFile<V>(files: FilePair, vote: Vote): EnrichRun<Receipt, V> {
  const open = (): Promise<FileFrame> =>
    openFile(files.input, { ...files.reading, output: files.output });
  let frame: FileFrame | null = null;
  let notes: readonly string[] = [];
  const { steps, column, job } = votingJob<V>(
    vote,
    {
      frame: async () => {
        frame = await open();
        notes = await checkHow(frame, files.output, { ...files, leavesOutRows: false });
        return frame;
      },
      memo: { input: lastingPath(files.input), reading: { ...files.reading } },
    },
    textTable,
  );
  return new EnrichRun<Receipt, V>({
    ...job,
    notes: () => notes,
    finish: async (session) => {
      const input = frame ?? (await open());
      let noted = NOTHING_TOLD;
      const receipt = await session.complete(async (columns, cells, resume) => {
        const how = { column, votes: steps.length, ...(resume === undefined ? {} : { resume }) };
        const decision = decisionOf(columns, cells, how);
        const replaces = replacesExisting(vote.options.existing);
        const write = { input, output: files.output, replaces, ...decision };
        const written = await writeOutput(write, files);
        noted = written;
        return { output: files.output, neutralisedCells: written.neutralisedCells };
      });
      const told = await withBadRows(withNotes(receipt, noted), input, files.reading?.onBadRow);
      return { result: told, receipt: told };
    },
  });
}

// What looks at one request has no meaning where a row's answer comes from several.
const SINGLE = ["meta", "quotes", "onLong", "fallbackModel", "cascade"] as const;

function votingJob<V>(
  { template, model, options }: Vote,
  source: {
    readonly frame: () => Promise<Frame>;
    readonly memo: Readonly<Record<string, Json>>;
  },
  table: PreviewTable,
): {
  readonly steps: readonly JobStep[];
  readonly column: string;
  readonly job: Omit<ConstructorParameters<typeof EnrichRun<unknown, V>>[0], "finish">;
} {
  // The name is the whole run's: under it all votes would be one run, and locked by the first.
  const { votes = 1, column = DEFAULT_COLUMN, name: _name, ...rest } = options;
  if (!Number.isSafeInteger(votes) || votes < 2 || votes > MOST_VOTES)
    throw new InputError(
      "option_invalid",
      `votes must be a whole number from 2 to ${String(MOST_VOTES)}; it is ${String(votes)}. Nothing was sent.`,
    );
  if (keptUnder(options) !== null)
    throw new InputError(
      "option_unsupported",
      "Votes cannot leave the answers of some rows as they are: each vote is a column of its own, which the rows do not have. Nothing was sent.",
      {
        hint: "Leave out votes, or --skip-existing, or what chooses rows beside --overwrite; or put the rows to be asked into a file of their own.",
      },
    );
  const single = SINGLE.find((name) => options[name] !== undefined);
  if (single !== undefined) throw unvotable(`${single} looks at single answers`);
  const steps = Array.from({ length: votes }, (_, at) => ({
    ...rest,
    column: voteName(column, at + 1),
    template,
    model,
    needs: [],
    vote: at + 1,
  }));
  const frame = async (): Promise<Frame> => {
    const base = await source.frame();
    await refuseUnvotable({ template, model, options }, base, column);
    return base;
  };
  const whole = { ...source, frame, together: (row: readonly RowOutcome[]) => mostFrequent(row) };
  return {
    steps,
    column,
    job: {
      ...stepsJob(steps, runOptionsOf(options), whole),
      preview: stepsPreview({
        steps,
        options: runOptionsOf(options),
        source: whole,
        table: (picked, columns, cells) => {
          const decision = decisionOf(columns, cells, { column, votes: steps.length });
          return table(picked, decision.columns, decision.cells);
        },
      }),
    },
  };
}

const MOST_VOTES = 25;

/** Told before anything is bought: answers that cannot be compared, and a decision whose columns are taken. */
async function refuseUnvotable(
  { model, options }: Vote,
  base: Frame,
  column: string,
): Promise<void> {
  const name = typeof model === "string" ? model : model.model;
  const { form } = await askedOutput(options.output, name);
  if (form.kind === "text" || form.kind === "embedding")
    throw unvotable(
      `answers of the kind ${JSON.stringify(form.kind)} are hardly ever the same twice`,
    );
  const own = ["", "_agreement", "_status", "_error"].map((end) => `${column}${end}`);
  const taken = own.find((one) => base.columns.includes(one));
  if (taken !== undefined && !replacesExisting(options.existing))
    throw columnTaken(base.name, taken);
}

function unvotable(why: string): InputError {
  return new InputError(
    "option_unsupported",
    `votes cannot be taken on this: ${why}. Nothing was sent.`,
    { hint: "Ask for labels or a schema, and leave the option out; or leave out votes." },
  );
}

/** The votes' columns and cells as the columns and cells of the decision. */
function decisionOf(
  columns: readonly NewColumn[],
  cells: AsyncIterable<NewCells>,
  how: { readonly column: string; readonly votes: number; readonly resume?: WriteResume },
): {
  readonly columns: readonly NewColumn[];
  readonly cells: AsyncIterable<NewCells>;
  readonly resume?: WriteResume;
} {
  const { column, votes, resume } = how;
  const width = columns.length / votes;
  const ballot = ballotOf(columns.slice(0, width), voteName(column, 1));
  const made = decisionColumns(column, ballot);
  const decidedCells = async function* (all: AsyncIterable<NewCells>): AsyncGenerator<NewCells> {
    for await (const block of all) {
      const rows = block.columns[0]?.length ?? 0;
      const out = made.map((): NewCell[] => []);
      for (let row = 0; row < rows; row++) {
        const own = block.columns.map((cellsOf) => cellsOf[row] ?? null);
        const each = Array.from({ length: votes }, (_, at) =>
          own.slice(at * width, (at + 1) * width),
        );
        decided(each, ballot).forEach((cell, at) => out[at]?.push(cell));
      }
      yield { firstRow: block.firstRow, columns: out };
    }
  };
  const whole = { columns: made, cells: decidedCells(cells) };
  if (resume === undefined) return whole;
  const { source } = resume;
  const cellsFrom = (place: CellPlace): AsyncIterable<NewCells> =>
    decidedCells(source.cellsFrom(place));
  return { ...whole, resume: { ...resume, source: { ...source, cellsFrom } } };
}

/** The outcome of one row's votes: the most frequent answer, else what became of the first. */
function mostFrequent(row: readonly RowOutcome[]): RowOutcome {
  const counts = new Map<string, { readonly outcome: RowOutcome; votes: number }>();
  for (const outcome of row) {
    if (!("value" in outcome)) continue;
    const key = JSON.stringify(outcome.value);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { outcome, votes: 1 });
    else known.votes += 1;
  }
  const [winner] = [...counts.values()].sort((a, b) => b.votes - a.votes);
  return winner?.outcome ?? row[0] ?? { status: "skipped", reason: "blank" };
}
