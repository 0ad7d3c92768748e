/** `--preview` and `batchframe preview`: a few rows, asked now and shown as a table. */

import type { Preview, PreviewHow, RunPlan } from "../index.ts";
import { printable } from "./cells.ts";
import type { EnrichFlags } from "./flags.ts";
import { agreed } from "./agree.ts";
import { hostOf, planned, type Followed } from "./follow.ts";
import { count, counted, dollarsText } from "./format.ts";
import { line, planText } from "./head-text.ts";
import { warningsOn } from "./warnings.ts";
import { EXIT } from "./exit-codes.ts";
import { rowNumber } from "./row-numbers.ts";
import { tableText } from "./table.ts";
import type { Terminal } from "./terminal.ts";

const ROWS = 10;

/**
 * Tries a few rows of a run and says what they cost and what the whole would; gives the exit code. What it buys
 * is agreed to as a run's requests are.
 *
 * @throws {InputError} `confirmation_needed`, `not_confirmed`.
 */
export async function tellPreview(
  followed: Pick<Followed, "run" | "facts" | "model">,
  flags: EnrichFlags,
  terminal: Terminal,
): Promise<number> {
  const { run, facts } = followed;
  const { preview = true } = flags;
  if (!(await isAgreed(followed, flags, terminal))) return EXIT.interrupted;
  const warnings = warningsOn(terminal);
  const forget = run.on("warning", warnings.add);
  const tried = await run.preview(preview === true ? ROWS : preview, drawOf(flags));
  forget();
  terminal.say(previewTable(tried, facts.column, terminal.width));
  const plan = await run.plan();
  terminal.say(`\n${previewText(tried, plan, terminal)}`);
  const { receipt, rows } = tried;
  terminal.data({
    schemaVersion: 1,
    status: "previewed",
    rows: rows.map(rowNumber),
    preview: asJson(tried.frame.toRecords()),
    costUsd: receipt.costUsd,
    requestsLeft: plan.requests - plan.cached,
    expected: plan.costUsd,
  });
  return receipt.rows.failed > 0 ? EXIT.failedRows : EXIT.ok;
}

/** How rows are drawn, for a sample, a preview, or one of the other. */
export function drawOf({
  sampleBy,
  sampleSeed,
}: Pick<EnrichFlags, "sampleBy" | "sampleSeed">): PreviewHow {
  return {
    ...(sampleBy === undefined ? {} : { by: sampleBy }),
    ...(sampleSeed === undefined ? {} : { seed: sampleSeed }),
  };
}

/** Whether the rows may be bought: agreed to beforehand, free, too cheap to ask about, or agreed to now. */
async function isAgreed(
  followed: Pick<Followed, "run" | "facts" | "model">,
  { preview = true, votes = 1, yes = false, maxCost, confirmAbove }: EnrichFlags,
  terminal: Terminal,
): Promise<boolean> {
  if (yes || maxCost !== undefined) return true;
  const { run, facts } = followed;
  const host = await hostOf({ ...followed, yes });
  if (host.free) return true;
  const { plan, opened } = await planned(run);
  const rows = preview === true ? ROWS : preview;
  const requests = Math.min(rows * votes, plan.requests - plan.cached);
  if (requests === 0) return true;
  // They are asked one by one where that can be done, at the price of that.
  const lane = plan.realtimeCostUsd === null ? plan.lane : "realtime";
  const asked = { ...plan, ...(lane === undefined ? {} : { lane }) };
  return await agreed(
    { facts, yes, maxCost, confirmAbove },
    { requests, host, plan: asked, opened },
    terminal,
  );
}

function previewTable({ frame, rows }: Preview, column: string, width: number): string {
  // A status says nothing where all went well; an error says which way it did not.
  const failed = `${column}_error`;
  const records = frame.toRecords();
  const hasFailed = records.some((record) => (record[failed] ?? null) !== null);
  const shown = frame.columns.filter(
    (name) => name !== `${column}_status` && (name !== failed || hasFailed),
  );
  return tableText(
    [{ title: "row", align: "right", whole: true }, ...shown.map((title) => ({ title }))],
    records.map((record, at) => [
      count(rowNumber(rows[at] ?? 0)),
      ...shown.map((name) => cellText(record[name])),
    ]),
    width,
  );
}

function cellText(value: unknown): string {
  if (value === null || value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(asJson(value));
}

/** A value as JSON can hold it: integers past 2^53 as text. */
function asJson<Value>(value: Value): Value {
  return JSON.parse(
    JSON.stringify(value, (_, inner: unknown) =>
      typeof inner === "bigint" ? String(inner) : inner,
    ),
  ) as Value;
}

function previewText({ receipt, rows }: Preview, plan: RunPlan, terminal: Terminal): string {
  const { rows: counts, costUsd, usage } = receipt;
  const spent =
    costUsd === null
      ? `at a price that is not known, ${count(usage.inputTokens)} tokens in, ${count(usage.outputTokens)} out`
      : dollarsText(costUsd);
  const fates = [
    `${count(counts.ok + counts.cached)} answered`,
    ...(counts.cached > 0 ? [`${count(counts.cached)} of them bought before`] : []),
    ...(counts.failed > 0 ? [`${count(counts.failed)} failed`] : []),
  ];
  const band = plan.costUsd;
  const whole =
    band === null
      ? "at a price that is not known"
      : `${dollarsText(band.low)} – ${dollarsText(band.high)} in batches`;
  const left = plan.requests - plan.cached;
  return [
    line("tried", `${counted(rows.length, "row")}: ${fates.join(" · ")} · ${spent}`, terminal),
    line("the rest", `${counted(left, "request")} · ${printable(whole)}`, terminal),
    line("plan", planText(plan), terminal),
    line("next", "the same command with run, or without --preview", terminal),
  ].join("\n");
}
