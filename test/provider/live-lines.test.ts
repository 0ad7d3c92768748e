import { describe, expect, it } from "vitest";
import type { Ask } from "../../src/provider/live-ask.ts";
import { answeringPacks } from "../../src/provider/live-lines.ts";
import { customIdOf } from "../../src/provider/local-journal.ts";
import { OPENAI_LIVE } from "../../src/provider/openai-live.ts";

const NEVER = new AbortController().signal;
const STOPS = { stopping: NEVER, cut: NEVER };

const line = (text: string): string =>
  JSON.stringify({ custom_id: text, url: "/v1/embeddings", body: { model: "m", input: text } });

/** A server that takes so many texts in one call, and keeps how many it was given. */
function serverTaking(most: number, sizes: number[]): Ask {
  return ({ body }) => {
    const inputs = [body["input"]].flat();
    sizes.push(inputs.length);
    if (inputs.length > most || inputs.includes("bad"))
      return Promise.resolve({ status: 400, requestId: null, body: { error: {} } });
    const data = inputs.map((input, index) => ({ index, embedding: [input] }));
    return Promise.resolve({ status: 200, requestId: null, body: { data } });
  };
}

async function statusesOf(
  answer: ReturnType<typeof answeringPacks>,
  texts: readonly string[],
): Promise<Readonly<Record<string, number>>> {
  const replies = (await Array.fromAsync(answer(texts.map(line), STOPS))).flat();
  expect(replies.map(customIdOf).toSorted()).toEqual(texts.toSorted());
  return Object.fromEntries(
    replies.map((reply) => {
      const parsed = JSON.parse(reply) as {
        custom_id: string;
        response: { status_code: number; body: { data?: { embedding: string[] }[] } };
      };
      const { status_code: status, body } = parsed.response;
      if (status === 200) expect(body.data?.[0]?.embedding).toEqual([parsed.custom_id]);
      return [parsed.custom_id, status];
    }),
  );
}

describe("a pack that is refused", () => {
  it("is asked in halves until the bad text stands alone, and packs stay as large", async () => {
    const sizes: number[] = [];
    const answer = answeringPacks(serverTaking(8, sizes), OPENAI_LIVE, 8);
    const texts = ["a", "b", "c", "bad", "e", "f", "g", "h"];
    const statuses = await statusesOf(answer, texts);
    expect(statuses).toEqual({
      ...Object.fromEntries(texts.map((text) => [text, 200])),
      bad: 400,
    });
    expect(sizes).toEqual([8, 4, 2, 2, 1, 1, 4]);
    await statusesOf(answer, ["1", "2", "3", "4", "5", "6", "7", "8"]);
    expect(sizes.slice(7)).toEqual([8]);
  });

  it("was too large when its halves are taken, and later ones are smaller", async () => {
    const sizes: number[] = [];
    const answer = answeringPacks(serverTaking(2, sizes), OPENAI_LIVE, 8);
    const texts = ["1", "2", "3", "4", "5", "6", "7", "8"];
    await statusesOf(answer, texts);
    expect(sizes).toEqual([8, 4, 2, 2, 4, 2, 2]);
    await statusesOf(answer, texts);
    expect(sizes.slice(7)).toEqual([2, 2, 2, 2]);
  });

  it("by a server that takes no lists is asked one by one from then on", async () => {
    const sizes: number[] = [];
    const answer = answeringPacks(serverTaking(1, sizes), OPENAI_LIVE, 4);
    await statusesOf(answer, ["1", "2", "3", "4"]);
    await statusesOf(answer, ["1", "2", "3", "4"]);
    expect(sizes.slice(-4)).toEqual([1, 1, 1, 1]);
  });

  it("for a passing trouble fails as it stands, each text with what was said", async () => {
    let calls = 0;
    const busy: Ask = () => {
      calls += 1;
      return Promise.resolve({ status: 429, requestId: null, body: {} });
    };
    const statuses = await statusesOf(answeringPacks(busy, OPENAI_LIVE, 4), ["a", "b"]);
    expect(statuses).toEqual({ a: 429, b: 429 });
    expect(calls).toBe(1);
  });
});
