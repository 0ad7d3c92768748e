/** Agreeing to what a run sends, before anything is bought. */

import { InputError, type Band, type RunPlan } from "../index.ts";
import { counted, dollarsText } from "./format.ts";
import type { Host, Opened, RunFacts } from "./head-text.ts";
import { runCommandLine } from "./paths.ts";
import { bandText } from "./plan-text.ts";
import type { Terminal } from "./terminal.ts";

/** What is to be agreed to. */
export interface Sending {
  /** How many requests would be sent. */
  readonly requests: number;
  readonly plan: RunPlan;
  readonly host: Host;
  readonly opened: Opened;
}

/** What was said beforehand. */
export interface Said {
  readonly facts: RunFacts;
  readonly yes: boolean;
  /** In US dollars. */
  readonly maxCost?: number | undefined;
  /** In US dollars. */
  readonly confirmAbove?: number | undefined;
}

const CONFIRM_ABOVE_USD = 1;

/**
 * Whether the requests may be sent: agreed to beforehand, too cheap to ask about, or agreed to now.
 *
 * @throws {InputError} `confirmation_needed` where nobody can be asked, `not_confirmed` where the answer is no.
 */
export async function agreed(said: Said, sending: Sending, terminal: Terminal): Promise<boolean> {
  const { facts, yes, maxCost, confirmAbove = CONFIRM_ABOVE_USD } = said;
  if (yes || maxCost !== undefined) return true;
  const { requests, host, opened } = sending;
  const what = counted(requests, "request");
  const cost = costOf(sending);
  if (!terminal.canAsk)
    throw new InputError(
      "confirmation_needed",
      `This would send ${what} to ${host.name}, ${cost === null ? "at a price that is not known" : `for ${bandText(cost)}`}, and there is nobody to ask. Nothing was sent.`,
      {
        hint: `Add --yes to agree beforehand, or ${cost === null ? "say what it costs with --price and how much it may be with --max-cost" : `--max-cost ${dollarsText(cost.high).slice(1)}`}. The plan is kept: ${runCommandLine("status", opened.id, facts.runDir)}`,
      },
    );
  if (cost !== null && cost.expected <= confirmAbove) return true;
  if (cost === null) terminal.insist(`\nThe price of ${facts.model} is not known.`);
  const price = cost === null ? "" : ` for ${bandText(cost)}`;
  const answer = await terminal.ask(`Send ${what} to ${host.name}${price}? [y/N] `);
  if (answer === null) terminal.insist("\nNothing was sent.");
  if (answer === false)
    throw new InputError("not_confirmed", "The answer was not yes. Nothing was sent.");
  return answer === true;
}

/** What these requests cost by the lane they take, as far as the plan tells: of some of them their share. */
function costOf({ requests, plan }: Sending): Band | null {
  const whole = plan.lane === "realtime" ? plan.realtimeCostUsd : plan.costUsd;
  const planned = plan.requests - plan.cached;
  if (whole === null) return null;
  const share = planned === 0 ? 1 : Math.min(1, requests / planned);
  return { low: whole.low * share, expected: whole.expected * share, high: whole.high * share };
}
