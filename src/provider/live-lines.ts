/** Request lines answered live: embeddings in packs, everything else one by one. */

import type { Ask } from "./live-ask.ts";
import { packedBody, packsOf, unpacked } from "./live-packs.ts";
import type { LiveForm } from "./live-form.ts";
import type { LiveRequest } from "./live-replies.ts";
import type { LocalAnswerer, Stops } from "./local-engine.ts";
import { customIdOf } from "./local-journal.ts";

type Replies = AsyncGenerator<readonly string[], boolean>;

// Some 100,000 tokens; the API itself takes 300,000 in one call.
const MAX_CHARACTERS = 400_000;

/**
 * Answers lines by asking a server. A pack of embeddings that the server refuses is asked in halves,
 * down to single texts, so that one bad text fails alone; when both halves are taken, later packs are
 * no larger than a half. Refused calls are not charged.
 */
export function answeringPacks(
  ask: Ask,
  form: LiveForm,
  mostInputs: number,
): LocalAnswerer["answer"] {
  const limits = { maxInputs: mostInputs, maxCharacters: MAX_CHARACTERS };

  /** The replies to a pack; gives whether the server took all of it. */
  async function* answerPack(pack: readonly LiveRequest[], stops: Stops): Replies {
    const [first] = pack;
    if (first === undefined) return true;
    const isAlone = pack.length === 1;
    const answered = await ask(isAlone ? first : { ...first, body: packedBody(pack) }, stops);
    if (answered === null) return false;
    const isTaken = "status" in answered && answered.status < 300;
    if (isAlone) {
      yield [form.write(first.customId, answered)];
      return isTaken;
    }
    const bodies = isTaken ? unpacked(answered.body, pack) : null;
    if (bodies !== null && isTaken) {
      yield pack.map(({ customId }, at) => form.write(customId, { ...answered, body: bodies[at] }));
      return true;
    }
    // Trouble that would pass has been waited out: in halves it would only come twice.
    if ("code" in answered || isPassing(answered.status)) {
      yield pack.map(({ customId }) => form.write(customId, answered));
      return false;
    }
    return yield* answerHalves(pack, stops);
  }

  async function* answerHalves(pack: readonly LiveRequest[], stops: Stops): Replies {
    const middle = Math.ceil(pack.length / 2);
    const isFirstTaken = yield* answerPack(pack.slice(0, middle), stops);
    const isSecondTaken = yield* answerPack(pack.slice(middle), stops);
    // Nothing in it was at fault, so there was too much of it.
    if (isFirstTaken && isSecondTaken) limits.maxInputs = Math.min(limits.maxInputs, middle);
    return isFirstTaken && isSecondTaken;
  }

  return async function* (lines, stops) {
    const requests: LiveRequest[] = [];
    for (const line of lines) {
      const request = form.read(line);
      if ("refused" in request) yield [form.write(customIdOf(line), form.invalid(request.refused))];
      else requests.push(request);
    }
    for (const pack of packsOf(requests, limits)) yield* answerPack(pack, stops);
  };
}

function isPassing(status: number): boolean {
  return status === 408 || status === 409 || status === 425 || status === 429 || status >= 500;
}
