/** enrichColumns: several columns in one run, where a later template may read an earlier step's columns. */

import type { DataFrame } from "nodejs-polars";
import { replacesExisting } from "./core/existing.ts";
import type { Receipt } from "./core/receipt.ts";
import { checkedFrame, type EnrichedSchema, type FilePair, type FrameSchema } from "./enrich.ts";
import { EnrichRun } from "./enrich-run.ts";
import { lastingPath } from "./files/file-parts.ts";
import { checkHow, NOTHING_TOLD, withNotes, writeOutput } from "./files/file-output.ts";
import { openFile, type FileFrame } from "./files/files.ts";
import type { AnswerOf } from "./output/answer-type.ts";
import { withBadRows } from "./session/text-warnings.ts";
import { textTable, frameTable } from "./previews/preview-tables.ts";
import { stepsPreview } from "./steps-preview.ts";
import { stepsJob, type ColumnStep, type RunOptions } from "./steps-job.ts";

export type { ColumnStep, RunOptions };

/** A frame's schema with the columns of every step. */
export type StepsSchema<S, Steps extends readonly ColumnStep[]> = Steps extends readonly [
  ColumnStep<infer Name, infer O>,
  ...infer Rest extends readonly ColumnStep[],
]
  ? StepsSchema<EnrichedSchema<S, Name, O>, Rest>
  : S;

/** The answers of one row, by column. */
export type StepAnswers<Steps extends readonly ColumnStep[]> = {
  readonly [At in Steps[number] as At["column"]]: AnswerOf<
    At extends ColumnStep<string, infer O> ? O : undefined
  >;
};

/**
 * Adds several columns to a dataframe in one run: one memory, one progress, one receipt.
 *
 * Steps that need no others are asked together; a step whose template names a column of an earlier one
 * begins when that is complete. A row that failed a step is not asked by those that need it: its status
 * there is `skipped` and its error `skipped`. Nothing is sent until the run is awaited, iterated or
 * started; the same call again asks only what was not answered.
 *
 * @throws {InputError} for anything wrong with the arguments, before anything is sent.
 */
export function enrichColumns<S extends FrameSchema, const Steps extends readonly ColumnStep[]>(
  frame: DataFrame<S>,
  steps: Steps,
  options: RunOptions = {},
): EnrichRun<DataFrame<StepsFrame<S, Steps>>, StepAnswers<Steps>> {
  const rows = checkedFrame(frame);
  const polars = () => import("./frame/polars.ts");
  const source = { frame: async () => (await polars()).polarsFrame(rows), memo: {} };
  return new EnrichRun({
    ...stepsJob(steps, options, source),
    preview: stepsPreview({ steps, options, source, table: frameTable(rows) }),
    finish: async (session) => {
      const { withNewColumns, withReplacedColumns } = await polars();
      const widened = replacesExisting(options.existing) ? withReplacedColumns : withNewColumns;
      let result = rows;
      const receipt = await session.complete(async (columns, cells) => {
        result = await widened(rows, columns, cells);
        return { output: null, neutralisedCells: 0 };
      });
      return { result: result as unknown as DataFrame<StepsFrame<S, Steps>>, receipt };
    },
  });
}

/** The schema of the result, once it is certain to be one. */
type StepsFrame<S, Steps extends readonly ColumnStep[]> =
  StepsSchema<S, Steps> extends infer All ? (All extends FrameSchema ? All : FrameSchema) : never;

/**
 * Adds several columns to a file in one run; see {@link enrichColumns} for the steps and `enrichFile`
 * for the file. Gives the receipt, whose `steps` holds each column's own.
 */
export function enrichFileColumns<const Steps extends readonly ColumnStep[]>(
  files: FilePair,
  steps: Steps,
  options: RunOptions = {},
): EnrichRun<Receipt, StepAnswers<Steps>> {
  // A step of its own cannot be gone on with by name: it would write the file with one column.
  const memo = { input: lastingPath(files.input), reading: { ...files.reading } };
  const open = (): Promise<FileFrame> =>
    openFile(files.input, { ...files.reading, output: files.output });
  let frame: FileFrame | null = null;
  let notes: readonly string[] = [];
  const source = {
    frame: async () => {
      frame = await open();
      notes = await checkHow(frame, files.output, { ...files, leavesOutRows: false });
      return frame;
    },
    memo,
  };
  return new EnrichRun({
    ...stepsJob(steps, options, source),
    notes: () => notes,
    preview: stepsPreview({ steps, options, source, table: textTable }),
    finish: async (session) => {
      const input = frame ?? (await open());
      let noted = NOTHING_TOLD;
      const receipt = await session.complete(async (columns, cells, resume) => {
        const going = resume === undefined ? {} : { resume };
        const replaces = replacesExisting(options.existing);
        const to = { input, output: files.output, replaces };
        const write = { ...to, columns, cells, ...going };
        const written = await writeOutput(write, files);
        noted = written;
        return { output: files.output, neutralisedCells: written.neutralisedCells };
      });
      const told = await withBadRows(withNotes(receipt, noted), input, files.reading?.onBadRow);
      return { result: told, receipt: told };
    },
  });
}
