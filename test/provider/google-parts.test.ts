import { describe, expect, it } from "vitest";
import type { Part } from "../../src/core/request.ts";
import { conversation, partsOf } from "../../src/provider/google-parts.ts";

const user = (...content: readonly Part[]) => ({ role: "user", content }) as const;

describe("partsOf", () => {
  it.each<[Part, unknown]>([
    [{ type: "text", text: "a" }, { text: "a" }],
    [
      { type: "image", data: "AAAA", mediaType: "image/png" },
      { inlineData: { mimeType: "image/png", data: "AAAA" } },
    ],
    [
      { type: "image", url: "https://example.com/a.JPG?size=2.5#x.pdf" },
      {
        fileData: {
          mimeType: "image/jpeg",
          fileUri: "https://example.com/a.JPG?size=2.5#x.pdf",
        },
      },
    ],
    [
      { type: "file", url: "gs://bucket/a.pdf" },
      { fileData: { mimeType: "application/pdf", fileUri: "gs://bucket/a.pdf" } },
    ],
    [
      { type: "file", url: "https://example.com/paper" },
      { fileData: { fileUri: "https://example.com/paper" } },
    ],
  ])("gives %j as a part", (part, expected) => {
    expect(partsOf(user(part), "google")).toEqual([expected]);
  });

  it.each(["http://example.com/a.png", "s3://bucket/a.png"])("refuses %s", (url) => {
    expect(() => partsOf(user({ type: "image", url }), "vertex")).toThrow(
      expect.objectContaining({
        code: "part_unsupported",
        message: expect.stringContaining("vertex") as string,
      }),
    );
  });
});

describe("conversation", () => {
  it("takes pictures in turns and none in the system's instruction", () => {
    const picture = { type: "image", data: "AAAA", mediaType: "image/png" } as const;
    expect(conversation([user(picture)], "google").contents).toHaveLength(1);
    expect(() => conversation([{ role: "system", content: [picture] }], "google")).toThrow(
      expect.objectContaining({ code: "part_unsupported" }),
    );
  });
});
