/** Which rows are asked, as the options say, and the frame that withholds the others. */

import { InputError } from "./core/errors.ts";
import { keepsExisting } from "./core/existing.ts";
import { rowSample, type RowSample } from "./core/sample.ts";
import { didYouMean } from "./core/suggest.ts";
import { checkWhere, parseWhere } from "./core/where.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { askedRows } from "./frame/asked-rows.ts";
import type { Frame } from "./frame/frame.ts";
import type { OutputOption } from "./output/form.ts";
import type { RowChoice } from "./session/settings.ts";

type ChoosingOptions = Pick<
  EnrichOptions<string, OutputOption>,
  "where" | "limit" | "sample" | "existing"
>;

/**
 * The choice the options make; null where at most a limit is given.
 *
 * @throws {InputError} `option_invalid` for a sample of no rows, and for one beside a limit; nothing was sent.
 */
export function choiceOf({ where, limit, sample, existing }: ChoosingOptions): RowChoice | null {
  // The first rows that have no answer yet are not those at the top.
  const counts = keepsExisting(existing) && limit !== undefined;
  if (where === undefined && sample === undefined && !counts) return null;
  if (limit !== undefined && sample !== undefined)
    throw new InputError(
      "option_invalid",
      "A limit asks the first rows, and a sample draws among all of them. Nothing was sent.",
      { hint: "Leave out one of the two: --limit or --sample (limit or sample in code)." },
    );
  return {
    where: where ?? null,
    limit: limit ?? null,
    sample: sample === undefined ? null : rowSample(sample),
  };
}

/**
 * The frame of which only the chosen rows are asked.
 *
 * @throws {InputError} `where_invalid` or `unknown_column`; nothing was sent.
 */
export function chosenFrame(frame: Frame, { where, limit, sample }: RowChoice): Frame {
  const condition = where === null ? null : parseWhere(where);
  if (condition !== null) checkWhere(condition, frame.columns);
  checkBy(sample, frame.columns);
  return askedRows(frame, { where: condition, limit, sample });
}

/** The columns that a choice reads besides those of the prompt. @throws {InputError} `where_invalid` */
export function choiceColumns({ where, sample }: ChoosingOptions): readonly string[] {
  return [
    ...(where === undefined ? [] : parseWhere(where).columns),
    ...(sample?.by === undefined ? [] : [sample.by]),
  ];
}

function checkBy(sample: RowSample | null, columns: readonly string[]): void {
  const by = sample?.by ?? null;
  if (by === null || columns.includes(by)) return;
  throw new InputError(
    "unknown_column",
    `The sample is to be drawn by the column ${JSON.stringify(by)}, which does not exist. Nothing was sent.`,
    { hint: didYouMean(by, columns) },
  );
}
