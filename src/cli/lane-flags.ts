/** The flags that say how requests travel, and how hard a service is asked one by one. */

import type { Command } from "commander";
import type { EnrichOptions, LaneChoice, OutputOption } from "../index.ts";
import type { FlagValues } from "./flag-values.ts";

/** Flags of every command that sends requests. */
export interface LaneFlags {
  readonly lane?: string;
  /** In milliseconds. */
  readonly deadline?: number;
  readonly concurrency?: number;
  /** Requests a minute. */
  readonly rpm?: number;
  /** Tokens a minute. */
  readonly tpm?: number;
  /** In milliseconds. */
  readonly requestTimeout?: number;
}

/** Adds them. */
export function addLaneFlags(command: Command, values: FlagValues): Command {
  return command
    .optionsGroup("How requests travel:")
    .addOption(
      command
        .createOption("--lane <lane>", "auto: up to 200 requests in realtime (default: batch)")
        .choices(["batch", "realtime", "auto"]),
    )
    .option(
      "--deadline <duration>",
      "be done by then: what batches will not make goes in realtime",
      values.duration,
    )
    .option("-j, --concurrency <n>", "in realtime: requests under way at once", values.wholeNumber)
    .option("--rpm <n>", "in realtime: requests a minute", values.wholeNumber)
    .option("--tpm <n>", "in realtime: tokens a minute", values.wholeNumber)
    .option(
      "--request-timeout <duration>",
      "in realtime: how long one request may take",
      values.duration,
    )
    .optionsGroup("Options:");
}

/** The options these flags stand for; a lane that does not exist is refused by who takes them. */
export function laneOptions(
  flags: LaneFlags,
): Pick<
  EnrichOptions<string, OutputOption>,
  | "lane"
  | "deadlineMs"
  | "concurrency"
  | "requestsPerMinute"
  | "tokensPerMinute"
  | "requestTimeoutMs"
> {
  const { lane, deadline, concurrency, rpm, tpm, requestTimeout } = flags;
  return {
    ...(lane === undefined ? {} : { lane: lane as LaneChoice }),
    ...(deadline === undefined ? {} : { deadlineMs: deadline }),
    ...(concurrency === undefined ? {} : { concurrency }),
    ...(rpm === undefined ? {} : { requestsPerMinute: rpm }),
    ...(tpm === undefined ? {} : { tokensPerMinute: tpm }),
    ...(requestTimeout === undefined ? {} : { requestTimeoutMs: requestTimeout }),
  };
}
