/** What of a job many machines can share, what they cannot, and what holds for all of them together. */

import { InputError } from "../core/errors.ts";
import { pacingOf } from "../provider/pacing.ts";
import type { Settings } from "../session/settings.ts";
import type { AccountLimits } from "../store/postgres-admission.ts";
import type { DatasetJob } from "./dataset-job.ts";

/**
 * Refuses what needs one process, or one file, for the whole run.
 *
 * @throws {InputError} `option_unsupported`, naming the first that was given; nothing was sent.
 */
export function refuseUnshared({ options, template }: DatasetJob): void {
  const unshared = {
    "--votes": options.votes,
    "--limit": options.limit,
    "--stall": options.stallMs,
    "--cache-file": options.cacheFile,
    "--fallback-model": options.fallbackModel,
    "--cascade": options.cascade,
    "--deadline": options.deadlineMs,
    "--concurrency": options.concurrency,
    "--request-timeout": options.requestTimeoutMs,
    "--on-long chunk": options.onLong === "chunk" ? true : undefined,
    "--lane realtime": options.lane === "realtime" ? true : undefined,
    "a template that is a function": typeof template === "string" ? undefined : true,
  };
  const [name] = Object.entries(unshared).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new InputError(
    "option_unsupported",
    `${name} cannot be used where many machines share a run. Nothing was sent.`,
    { hint: "Leave it out, or run without --state." },
  );
}

/** The options without bounds that hold over all workers, and so are the account's. */
export function unpaced({
  requestsPerMinute: _requests,
  tokensPerMinute: _tokens,
  ...rest
}: DatasetJob["options"]): DatasetJob["options"] {
  return rest;
}

/**
 * Refuses settings that workers could not follow, or would pay for twice.
 *
 * @throws {InputError} `option_unsupported`; nothing was sent.
 */
export function refuseUnsharable({ model, memo }: Settings): void {
  const { provider } = model;
  if (provider.asksLive === true && !provider.free)
    throw new InputError(
      "option_unsupported",
      `${provider.host} has no batches: what is asked one by one is kept on one machine until a chunk is complete, and would be paid twice when that machine is lost. Nothing was sent.`,
      { hint: "Name a model of a provider with batches, or run without --state." },
    );
  if (memo["validator"] === "code")
    throw new InputError(
      "option_unsupported",
      "A schema whose checks only this program has cannot be used by workers. Nothing was sent.",
      { hint: "Give it as ./schema.ts#name, or as JSON Schema." },
    );
}

/** What the account is limited to from now on; null where nobody has said anything of it. */
export function limitsOf({ limits, options }: DatasetJob): AccountLimits | null {
  const { requestsPerMinute, tokensPerMinute } = pacingOf(options);
  if ((limits ?? requestsPerMinute ?? tokensPerMinute) === undefined) return null;
  return {
    ...{ maxBatches: limits?.maxBatches ?? null, maxTokens: limits?.maxTokens ?? null },
    requestsAMinute: requestsPerMinute ?? null,
    tokensAMinute: tokensPerMinute ?? null,
  };
}
