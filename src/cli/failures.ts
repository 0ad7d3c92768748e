/** `batchframe failures`: the rows that have no answer, and why. */

import {
  findRun,
  keyNamesOf,
  namedFailuresOf,
  namedKey,
  writeFailures,
  type NamedFailure,
} from "../index.ts";
import type { LookFlags } from "./flags.ts";
import { count, counted } from "./format.ts";
import type { FailureOutput } from "./json-output.ts";
import { runCommandLine, shortPath } from "./paths.ts";
import { rowNumber } from "./row-numbers.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `failures`. */
export interface FailuresFlags extends LookFlags {
  readonly output?: string;
}

const MOST_SHOWN = 20;

interface ToldFailures {
  readonly id: string;
  /** The command that asks them again. */
  readonly retry: string;
  readonly terminal: Terminal;
  /** The columns of the run's key; none when left out. */
  readonly key?: readonly string[];
}

/**
 * Runs the command; gives 0.
 *
 * With `--json`, or where standard output is read by a program, prints one JSON object a line, for
 * every failed row; the rest is for people.
 */
export async function failuresCommand(
  ref: string,
  flags: FailuresFlags,
  terminal: Terminal,
): Promise<number> {
  const run = await findRun(ref, flags.runDir);
  if (flags.output !== undefined) {
    const rows = await writeFailures(run, flags.output);
    terminal.say(`${counted(rows, "failed row")} written to ${shortPath(flags.output)}`);
    terminal.data({ schemaVersion: 1, run: run.id, rows, output: flags.output });
    return 0;
  }
  let corrected = 0;
  const onCorrected = (): void => {
    corrected += 1;
  };
  const key = keyNamesOf(run);
  await tellFailures(namedFailuresOf(run, { onCorrected }), {
    id: run.id,
    key,
    retry: runCommandLine("retry", run.id, flags.runDir),
    terminal,
  });
  if (corrected > 0)
    terminal.say(
      `${counted(corrected, "row")} that had failed ${corrected === 1 ? "was" : "were"} given ${corrected === 1 ? "its answer" : "their answers"} by a review.`,
    );
  return 0;
}

/** Tells failed rows, all of them as data and the first ones to people; gives how many there are. */
export async function tellFailures(
  failures: AsyncIterable<
    Pick<FailureOutput, "row" | "code" | "message"> & Partial<Pick<NamedFailure, "key">>
  >,
  { id, retry, terminal, key: names = [] }: ToldFailures,
): Promise<number> {
  const shown: string[][] = [];
  const codes = new Map<string, number>();
  let unnamed = 0;
  for await (const { row, key = null, code, message } of failures) {
    codes.set(code, (codes.get(code) ?? 0) + 1);
    const failure: FailureOutput = {
      ...{ schemaVersion: 1, row: rowNumber(row) },
      ...namedKey(names, key),
      ...{ code, message },
    };
    if (key === null) unnamed += 1;
    if (terminal.json || !process.stdout.isTTY) terminal.print(JSON.stringify(failure));
    if (shown.length < MOST_SHOWN)
      shown.push([
        count(rowNumber(row)),
        ...names.map((_, at) => key?.[at] ?? ""),
        ...[code, message],
      ]);
  }
  const total = [...codes.values()].reduce((sum, rows) => sum + rows, 0);
  if (total === 0) {
    terminal.say(`No row of run ${id} has failed.`);
    return 0;
  }
  const columns = [
    { title: "row", align: "right", whole: true },
    ...names.map((title) => ({ title })),
    { title: "code", whole: true },
    { title: "message" },
  ] as const;
  terminal.say(tableText(columns, shown, terminal.width));
  if (total > shown.length) terminal.say(`  … and ${count(total - shown.length)} more`);
  if (names.length > 0 && unnamed > 0)
    terminal.say(
      "  The input has other keys now, or is gone: rows are told by their numbers alone.",
    );
  const byCode = [...codes].map(([code, rows]) => `${count(rows)} ${code}`).join(" · ");
  terminal.say(`\n${counted(total, "row")} failed: ${byCode}`);
  terminal.say(`ask them again  ${retry}`);
  return total;
}
