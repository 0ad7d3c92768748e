/** In what providers of batches differ by nature. */

import type { EndingReason } from "../core/chunk.ts";
import type { BatchStatus } from "../provider/provider.ts";
import { EVERY_POWER, type Power } from "./service.ts";

/** What a provider declares of itself; OpenAI's way is taken for granted. */
export interface Traits {
  /** What the service it is tried on can be told; everything when left out. */
  readonly powers: readonly Power[];
  /** The service's name of the route that creates a batch. */
  readonly createRoute: string;
  /** What a batch that has just begun says it is doing. */
  readonly firstPhase: BatchStatus["phase"];
  /** Whether a file is uploaded before a batch is created from it. */
  readonly uploads: boolean;
  /** Whether a batch carries its tag, so that it is known before it has ended, intent and all. */
  readonly tagged: boolean;
  /** Whether a batch can fail as a whole. */
  readonly failsWhole: boolean;
  /** Codes with which a batch can fail, and what each says about sending it again. */
  readonly failureCodes: readonly (readonly [string, EndingReason["again"]])[];
  /** Whether a batch that expired gives the answers it had by then. */
  readonly keepsPartial: boolean;
  /** How many remote files are deleted with a batch that has answers and failures. */
  readonly files: number;
  /** How many batches the service lets be open at once. */
  readonly mostOpen: number;
}

/** OpenAI's traits, and so what a provider that declares nothing is held to. */
export const USUAL_TRAITS: Traits = {
  powers: EVERY_POWER,
  createRoute: "POST /batches",
  firstPhase: "validating",
  uploads: true,
  tagged: true,
  failsWhole: true,
  failureCodes: [
    ["duplicate_custom_id", "never"],
    ["token_limit_exceeded", "room"],
    ["something_new", "later"],
  ],
  keepsPartial: true,
  files: 3,
  mostOpen: Infinity,
};
