/** `batchframe retry`: asks failed rows again. */

import { failuresOf, findRun, InputError, ROW_ERROR_CODES, type RowErrorCode } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { RetryFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import { followedRun } from "./resume.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives the exit code of the run, 0 when there is nothing to ask again. */
export async function retryCommand(
  ref: string,
  flags: RetryFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  const codes = codesOf(flags.only);
  let rows = 0;
  for await (const { code } of failuresOf(status)) if (codes?.includes(code) ?? true) rows += 1;
  if (rows === 0) {
    const which = codes === undefined ? "" : ` with ${codes.join(" or ")}`;
    terminal.say(`No row of run ${status.id} has failed${which}; there is nothing to ask again.`);
    terminal.data({ schemaVersion: 1, run: status.id, status: "nothing_to_retry" });
    return EXIT.ok;
  }
  const followed = await followedRun(status, flags);
  const run = followed.run.retry(codes);
  return await follow({ ...followed, run, aim: { again: rows } }, terminal);
}

/** The codes of `--only`; undefined where it was not given. @throws {InputError} `row_code_unknown` */
export function codesOf(only: string | undefined): readonly RowErrorCode[] | undefined {
  if (only === undefined) return undefined;
  const words = only.split(",").map((word) => word.trim());
  const codes = ROW_ERROR_CODES.filter((code) => words.includes(code));
  const unknown = words.find((word) => !ROW_ERROR_CODES.some((code) => code === word));
  if (unknown === undefined) return codes;
  throw new InputError(
    "row_code_unknown",
    `There is no row error code ${JSON.stringify(unknown)}. Nothing was sent.`,
    { hint: `The codes: ${ROW_ERROR_CODES.join(", ")}.` },
  );
}
