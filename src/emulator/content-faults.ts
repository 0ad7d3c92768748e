/** The faults that change what an answer says, whatever protocol it travels in. */
import type { Answer } from "./answer.ts";
import type { FaultState, Target } from "./fault-state.ts";
import { misshapen } from "./shape-faults.ts";
import { firstTokens, tokensOf } from "./tokens.ts";

/** `answer` as the faults in force leave it. Several may strike the same answer, in a fixed order. */
export function spoiled(answer: Answer, faults: FaultState, target: Target): Answer {
  let changed = misshapen(answer, faults, target);
  const text = changed.content ?? "";
  if (faults.strike("unicodeSeparators", target) !== null) {
    changed = { ...changed, content: `${text}\u2028and\u2029on` };
  }
  if (faults.strike("nulRows", target) !== null) changed = { ...changed, content: `${text}\u0000` };
  const long = faults.strike("longRows", target);
  if (long !== null) changed = { ...changed, content: "long ".repeat((long.bytes ?? 2 ** 20) / 5) };
  if (faults.strike("invalidJsonRows", target) !== null) {
    changed = {
      ...withoutCalls(changed),
      content: `Sure! Here it is: ${text.slice(0, text.length / 2)}`,
    };
  }
  if (faults.strike("nullContentRows", target) !== null) {
    changed = { ...withoutCalls(changed), content: null };
  }
  if (faults.strike("truncateRows", target) !== null) {
    const half = firstTokens(text, tokensOf(text) / 2);
    changed = { ...changed, content: half, finishReason: "length" };
  }
  if (faults.strike("contentFilterRows", target) !== null) {
    changed = { ...withoutCalls(changed), content: "", finishReason: "content_filter" };
  }
  if (faults.strike("refuseRows", target) !== null) {
    const refusal = "I'm sorry, I can't help with that.";
    changed = { ...withoutCalls(changed), content: null, refusal };
  }
  return changed;
}

function withoutCalls(answer: Answer): Answer {
  const { toolCalls, ...rest } = answer;
  return toolCalls === undefined ? answer : rest;
}
