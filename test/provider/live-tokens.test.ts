import { describe, expect, it } from "vitest";
import { tokensAsked, tokensUsed } from "../../src/provider/live-tokens.ts";

describe("the tokens of a request", () => {
  const messages = [{ role: "user", content: "x".repeat(400) }];

  it("are those of its text and the most of its answer", () => {
    expect(tokensAsked({ messages, max_tokens: 50 })).toBe(101 + 50);
    expect(tokensAsked({ messages, max_completion_tokens: 7 })).toBe(101 + 7);
    expect(tokensAsked({ messages })).toBeGreaterThan(101);
  });

  it("do not grow with the bytes of a picture", () => {
    const picture = (bytes: number): number =>
      tokensAsked({
        max_tokens: 0,
        messages: [
          {
            content: [{ image_url: { url: `data:image/png;base64,${"A".repeat(bytes)}` } }],
          },
        ],
      });
    expect(picture(10)).toBe(1000);
    expect(picture(1_000_000)).toBe(1000);
  });

  it("are those of the texts alone for embeddings", () => {
    expect(tokensAsked({ input: ["x".repeat(40), "x".repeat(8)] })).toBe(12);
  });
});

describe("the tokens of a reply", () => {
  it.each<[object, number | null]>([
    [{ usage: { total_tokens: 9, prompt_tokens: 1 } }, 9],
    [{ usage: { prompt_tokens: 4, completion_tokens: 2 } }, 6],
    [{ usage: { input_tokens: 4 } }, 4],
    [{ usage: {} }, null],
    [{}, null],
  ])("of %j are %s", (body, tokens) => {
    expect(tokensUsed(body)).toBe(tokens);
  });
});
