/** The asking of the answerer, in any protocol. */
import type { Answer, AnswerRequest } from "./answer.ts";
import type { World } from "./world.ts";

/** What the answerer says to one request; when it throws, a 500 whose body `failure` makes of the message. */
export async function answerTo(
  world: World,
  request: Omit<AnswerRequest, "signal">,
  failure: (message: string) => unknown,
): Promise<Answer> {
  try {
    const answer = world.settings.answer({ ...request, signal: world.closing });
    return answer instanceof Promise ? await beforeClosing(answer, world.closing) : answer;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { error: { status: 500, body: failure(`The answerer failed: ${reason}`) } };
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
