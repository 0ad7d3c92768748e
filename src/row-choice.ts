/** Which rows are asked, as the options say, and the frame that withholds the others. */

import { checkWhere, parseWhere } from "./core/where.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { askedRows } from "./frame/asked-rows.ts";
import type { Frame } from "./frame/frame.ts";
import type { OutputOption } from "./output/form.ts";
import type { RowChoice } from "./session/settings.ts";

/** The choice the options make; null where at most a limit is given. */
export function choiceOf({
  where,
  limit,
}: Pick<EnrichOptions<string, OutputOption>, "where" | "limit">): RowChoice | null {
  return where === undefined ? null : { where, limit: limit ?? null };
}

/**
 * The frame of which only the chosen rows are asked.
 *
 * @throws {InputError} `where_invalid` or `unknown_column`; nothing was sent.
 */
export function chosenFrame(frame: Frame, { where, limit }: RowChoice): Frame {
  const condition = parseWhere(where);
  checkWhere(condition, frame.columns);
  return askedRows(frame, { where: condition, limit });
}

/** The columns that a choice reads besides those of the prompt. @throws {InputError} `where_invalid` */
export function choiceColumns({ where }: { readonly where?: string }): readonly string[] {
  return where === undefined ? [] : parseWhere(where).columns;
}
