/** `batchframe diff`: where two runs over the same rows answer differently. */

import { diffFiles, type AnswerColumn, type DiffReport } from "../index.ts";
import { answerColumn } from "./answer-column.ts";
import type { LookFlags } from "./flags.ts";
import { count, counted, percent } from "./format.ts";
import { shortPath } from "./paths.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `diff`. */
export interface DiffFlags extends LookFlags {
  /** The column of answers in files that are no run's output. */
  readonly column?: string;
  readonly output?: string;
}

const MOST_SHOWN = 20;

/**
 * Runs the command on two runs, or two files; gives 0. With `--json` prints the report on standard
 * output; `-o` takes the rows that differ.
 */
export async function diffCommand(
  refs: readonly [string, string],
  flags: DiffFlags,
  terminal: Terminal,
): Promise<number> {
  const where = { flag: "--column", runDir: flags.runDir };
  const before = await answerColumn(refs[0], flags.column, where);
  const after = await answerColumn(refs[1], flags.column, where);
  const { output } = flags;
  const report = await diffFiles(before, after, output === undefined ? {} : { changedTo: output });
  terminal.data({ schemaVersion: 1, before, after, ...report, output: output ?? null });
  terminal.say(`${nameOf(before)}  →  ${nameOf(after)}\n`);
  terminal.say(
    `  ${counted(report.changed, "row")} of ${count(report.rows)} changed · agreement ` +
      `${percent(report.agreement, 1)} · kappa ${report.kappa === null ? "undefined" : report.kappa.toFixed(3)}`,
  );
  if (report.changed > 0) terminal.say(`\n${transitionTable(report, terminal)}`);
  if (output !== undefined)
    terminal.say(`\n${counted(report.changed, "changed row")} in ${shortPath(output)}`);
  return 0;
}

function nameOf({ file, column }: AnswerColumn): string {
  return `${shortPath(file)} (${column})`;
}

function transitionTable({ transitions }: DiffReport, { width }: Terminal): string {
  const columns = [
    { title: "from" },
    { title: "to" },
    { title: "rows", align: "right", whole: true },
  ] as const;
  const name = (label: string): string => (label === "" ? "(no answer)" : label);
  const rows = transitions
    .slice(0, MOST_SHOWN)
    .map(({ from, to, rows: times }) => [name(from), name(to), count(times)]);
  const more = transitions.length - rows.length;
  const table = tableText(columns, rows, width);
  return more > 0 ? `${table}\n  … and ${counted(more, "more change")}` : table;
}
