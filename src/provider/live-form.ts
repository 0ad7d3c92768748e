/** What asking live must know of a protocol: how its request lines are read, and its reply lines written. */

import type { Answered, LiveRequest } from "./live-replies.ts";
import type { LimitHeader } from "./live-retry.ts";

/** One protocol's lines, asked one by one. Pure. */
export interface LiveForm {
  /** The request on a batch input line, or why it cannot be asked of a live server. */
  read(line: string): LiveRequest | { readonly refused: string };
  /** The line that the answer would be in a file of batch results. */
  write(customId: string | null, answered: Answered): string;
  /** The answer that says the request itself is at fault, in the words of the protocol. */
  invalid(message: string): Answered;
  /** Where replies say how much of a limit is left; none where they do not. */
  readonly limitHeaders: readonly LimitHeader[];
  /** The header that names a call; empty where none does. */
  readonly requestIdHeader: string;
}
