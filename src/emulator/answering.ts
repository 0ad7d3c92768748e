/** The asking of the answerer, in any protocol. */
import type { Answer, AnswerRequest } from "./answer.ts";
import type { Soon } from "./soon.ts";
import type { World } from "./world.ts";

/** What the answerer says to one request; when it throws, a 500 whose body `failure` makes of the message. */
export function answerTo(
  world: World,
  { endpoint, body, customId }: Omit<AnswerRequest, "signal">,
  failure: (message: string) => unknown,
): Soon<Answer> {
  const failed = (error: unknown): Answer => {
    const reason = error instanceof Error ? error.message : String(error);
    return { error: { status: 500, body: failure(`The answerer failed: ${reason}`) } };
  };
  try {
    const signal = world.closing;
    const answer = world.settings.answer({ endpoint, body, customId, signal });
    return answer instanceof Promise ? beforeClosing(answer, signal).catch(failed) : answer;
  } catch (error) {
    return failed(error);
  }
}

/** What `answer` resolves to; rejects when the emulator closes first, however long the answer takes. */
async function beforeClosing(answer: Promise<Answer>, closing: AbortSignal): Promise<Answer> {
  const { promise, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(new Error("The emulator is closing."));
  };
  closing.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([answer, promise]);
  } finally {
    closing.removeEventListener("abort", stop);
  }
}
