/** `batchframe plan` and `--dry-run`: what a run would send and cost; sends nothing and leaves nothing behind. */

import { existsSync } from "node:fs";
import { join } from "node:path";
import { InputError, openModel, type ModelRef, type PlanHow, type RunPlan } from "../index.ts";
import { printable } from "./cells.ts";
import type { EnrichFlags } from "./flags.ts";
import type { Followed } from "./follow.ts";
import { count, counted, dollarsText, megabytes } from "./format.ts";
import { line, planText, sampleText, type Host, type Look } from "./head-text.ts";
import { shortInput } from "./paths.ts";
import { lookLines } from "./plan-look.ts";
import { planCostText, tokensText } from "./plan-text.ts";
import type { Terminal } from "./terminal.ts";

/** The cache a dry run reads, as far as there is one already; null where it is to read none. */
export function dryCache({ cacheFile, runDir, cache, refresh }: EnrichFlags): string | null {
  const file = cacheFile ?? join(runDir ?? DEFAULT_RUN_DIR, "cache.sqlite");
  return cache !== false && refresh !== true && existsSync(file) ? file : null;
}

/** Where runs are kept unless the flags say otherwise. */
export const DEFAULT_RUN_DIR = ".batchframe";

/** A model that can be planned for: with a key that is none where no key is at hand, since nothing is sent. */
export async function keyless(model: ModelRef): Promise<ModelRef> {
  try {
    await (await openModel(model)).provider.close();
    return model;
  } catch (error) {
    const isKey = error instanceof InputError && error.code === "missing_key";
    if (!isKey || typeof model === "string" || typeof model.provider !== "string") throw error;
    return { ...model, apiKey: "none-needed-to-plan" };
  }
}

/** Plans, tells the plan and forgets it; gives 0. */
export async function tellPlan(
  { run, facts }: Pick<Followed, "run" | "facts">,
  { host, ...how }: { readonly host: Host } & PlanHow,
  terminal: Terminal,
): Promise<number> {
  try {
    const plan = await run.plan(how);
    terminal.say(
      [
        line(
          "input",
          `${printable(shortInput(facts.input))} · ${counted(plan.rows, "row")}`,
          terminal,
        ),
        line("model", terminal.colours.strong(facts.model), terminal),
        ...(plan.sample === undefined ? [] : [line("sample", sampleText(plan.sample), terminal)]),
        line("plan", planText(plan), terminal),
        ...savedLines(plan, terminal),
        ...(host.free ? [] : costLines(plan, terminal)),
        ...againstLines(plan, host, terminal),
        ...plan.looks.slice(0, 1).flatMap((look) => lookLines(look, plan.rows, terminal)),
        line("leaves", leavesText(facts.promptColumns, host), terminal),
        ...plan.warnings.map((warning) => line("note", printable(warning), terminal)),
        "Nothing was sent, and nothing is kept of this plan.",
      ].join("\n"),
    );
    terminal.data({
      schemaVersion: 1,
      model: facts.model,
      ...plan,
      leaves: { host: host.name, columns: facts.promptColumns },
    });
    return 0;
  } finally {
    await run.detach();
  }
}

function savedLines(plan: RunPlan, look: Look): readonly string[] {
  const { cached, duplicates, requests, savedUsd } = plan;
  const sent = requests - cached;
  const worth = savedUsd === null || savedUsd === 0 ? "" : `, ${dollarsText(savedUsd)} saved`;
  return [
    ...(cached === 0
      ? []
      : [line("", `${count(cached)} of them answered before; ${count(sent)} to send`, look)]),
    ...(duplicates === 0
      ? []
      : [
          line(
            "",
            `${counted(duplicates, "row")} ${duplicates === 1 ? "shares" : "share"} another's request${worth}`,
            look,
          ),
        ]),
  ];
}

function costLines(plan: RunPlan, look: Look): readonly string[] {
  const tokens = tokensText(plan);
  const { chunks, bytes } = plan;
  return [
    ...(tokens === null ? [] : [line("tokens", tokens, look)]),
    line("cost", planCostText(plan, plan.lane), look),
    line("files", `${counted(chunks, "chunk")} · ${megabytes(bytes)}`, look),
  ];
}

function againstLines(plan: RunPlan, host: Host, look: Look): readonly string[] {
  const { against } = plan;
  if (against === undefined) return [];
  const { kept, again, new: fresh } = against.rows;
  const fates = [
    `${counted(again, "row")} bought again`,
    `${count(kept)} kept`,
    `${count(fresh)} new`,
  ];
  const cost =
    host.free || again === 0
      ? []
      : [line("", `again: ${planCostText({ ...plan, ...against }, plan.lane)}`, look)];
  return [line("against", `${printable(against.run)}: ${fates.join(" · ")}`, look), ...cost];
}

function leavesText(columns: readonly string[] | null, { name, free }: Host): string {
  if (free) return "nothing: the model runs on this machine";
  const what =
    columns === null || columns.length === 0
      ? "what the prompt shows"
      : `${columns.map((column) => JSON.stringify(printable(column))).join(", ")} only`;
  return `${what} → ${name}`;
}
