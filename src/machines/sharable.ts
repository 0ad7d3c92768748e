/** What of a job many machines can share, what they cannot, and what holds for all of them together. */

import { keepsExisting } from "../core/existing.ts";
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
  const given: Readonly<Record<string, unknown>> = {
    "--cascade": options.cascade,
    "--fallback-model": options.fallbackModel,
    "--votes": options.votes,
    "--deadline": options.deadlineMs,
    "--lane realtime": options.lane === "realtime" ? true : undefined,
    "--concurrency": options.concurrency,
    "--request-timeout": options.requestTimeoutMs,
    "--on-long chunk": options.onLong === "chunk" ? true : undefined,
    "--cache-file": options.cacheFile,
    "--where with --limit": options.where === undefined ? undefined : options.limit,
    "--skip-existing with --limit": keepsExisting(options.existing) ? options.limit : undefined,
    "--sample": options.sample,
    "--key": options.key,
    "a template that is a function": typeof template === "string" ? undefined : true,
  };
  const found = Object.entries(UNSHARED).find(([name]) => given[name] !== undefined);
  if (found === undefined) return;
  const [name, { why, instead }] = found;
  throw new InputError(
    "option_unsupported",
    `${name} cannot be used where many machines share a run: ${why}. Nothing was sent.`,
    { hint: instead },
  );
}

const ONE_MACHINE = "Leave it out, or run without --state.";
const LIVE = {
  why: "what is asked one by one is kept on one machine until a chunk is complete, and would be paid twice when that machine is lost",
  instead: "Leave it out, so that all goes in batches, or run without --state.",
} as const;

/** Why each cannot be shared, and what to do instead. */
const UNSHARED: Readonly<Record<string, { readonly why: string; readonly instead: string }>> = {
  "--cascade": {
    why: "the sample that sets its threshold is drawn from all rows, and a worker sees one part",
    instead: ONE_MACHINE,
  },
  "--fallback-model": {
    why: "a part is a run of one model",
    instead:
      "Leave it out, export the run, and run the rows that failed again with the other model.",
  },
  "--votes": {
    why: "a part asks each question once",
    instead: "Leave it out, or run it once for each vote under another --column.",
  },
  "--deadline": {
    why: `what batches have not answered by then would be asked in realtime, and ${LIVE.why}`,
    instead: "Leave it out; batchframe cancel --state keeps what came when the time is over.",
  },
  "--lane realtime": LIVE,
  "--concurrency": LIVE,
  "--request-timeout": LIVE,
  "--on-long chunk": {
    why: "the answers to a text's pieces are put together by a second run after the first",
    instead: "Use --on-long truncate or fail, or run without --state.",
  },
  "--cache-file": {
    why: "what was answered before is kept with the shared state",
    instead: "Leave it out, or turn the cache off with --no-cache.",
  },
  "--where with --limit": {
    why: "which rows are the first that meet the condition is known only once the parts before are read",
    instead: "Leave out one of the two, or run without --state.",
  },
  "--sample": {
    why: "it is drawn from all rows, and a worker sees one part",
    instead: ONE_MACHINE,
  },
  "--skip-existing with --limit": {
    why: "which rows are the first without an answer is known only once the parts before are read",
    instead: "Leave out one of the two, or run without --state.",
  },
  "--key": {
    why: "rows are named by their cells, and those are in the parts",
    instead: ONE_MACHINE,
  },
  "a template that is a function": {
    why: "workers have only what is recorded",
    instead: "Give the template as text, or run without shared state.",
  },
};

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
