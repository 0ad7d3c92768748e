import { describe, expect, it } from "vitest";
import type { RequestSpec } from "../../src/core/request.ts";
import { checkEmbedding, embedRequest } from "../../src/provider/google-embed.ts";
import { request, spec } from "./support.ts";

const VECTOR = { kind: "embedding", dimensions: null } as const;

describe("embedRequest", () => {
  it("takes the texts of all messages, in their order", () => {
    const messages = [
      { role: "system", content: "title" },
      {
        role: "user",
        content: [
          { type: "text", text: "a" },
          { type: "text", text: "b" },
        ],
      },
    ] as const;
    expect(embedRequest(request("", { messages, form: VECTOR }), "google")).toEqual({
      content: { parts: [{ text: "title" }, { text: "ab" }] },
    });
  });

  it("refuses pictures", () => {
    const content = [{ type: "image", url: "https://example.com/a.png" }] as const;
    const messages = [{ role: "user", content }] as const;
    expect(() => embedRequest(request("", { messages, form: VECTOR }), "google")).toThrow(
      expect.objectContaining({ code: "part_unsupported" }),
    );
  });
});

describe("checkEmbedding", () => {
  it("refuses what has no meaning for a vector, by its name", () => {
    const check = (differing: Partial<RequestSpec>) => (): void => {
      checkEmbedding({ ...spec(VECTOR), ...differing }, "google");
    };
    expect(check({})).not.toThrow();
    expect(check({ settings: { temperature: 0 } })).toThrow(/google takes no temperature/);
    expect(check({ promptCache: { content: "c" } })).toThrow(/promptCache\.content/);
  });
});
