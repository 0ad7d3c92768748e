import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import type { PlannedBlock } from "../../src/core/plan.ts";
import { recall } from "../../src/stages/recall.ts";

const idOf = (text: string): string => contentHash(text);

function blocks(...texts: readonly string[]): readonly PlannedBlock[] {
  return texts.map((text, at) => ({
    rows: { firstRow: at, requests: Int32Array.of(at) },
    requests: [
      {
        ordinal: at,
        id: idOf(text),
        prompt: { messages: [{ role: "user", content: text }], cells: [text] },
      },
    ],
  }));
}

async function keptOf(
  texts: readonly string[],
  kept: Readonly<Record<string, string>>,
  isUsable: (line: string) => boolean = () => true,
): Promise<readonly (string | null)[]> {
  const byId = new Map(
    Object.entries(kept).map(([text, line]) => [idOf(text), { line, reading: null }]),
  );
  const made = await Array.fromAsync(
    recall(ReadableStream.from(blocks(...texts)), {
      find: (ids) => ids.map((id) => byId.get(id) ?? null),
      isUsable: ({ line }) => Promise.resolve(isUsable(line)),
    }),
  );
  expect(made.map(({ rows }) => rows.firstRow)).toEqual([...texts.keys()]);
  return made.flatMap((block) => block.kept ?? []);
}

describe("recall", () => {
  it("gives what is kept its reply, and leaves the rest to be sent", async () => {
    expect(await keptOf(["a", "b", "ü"], { a: "{1}", ü: "{ü}" })).toEqual(["{1}", null, "{ü}"]);
  });

  it("asks again what is kept and no longer an answer", async () => {
    const found = await keptOf(["a", "b"], { a: "old", b: "new" }, (line) => line === "new");
    expect(found).toEqual([null, "new"]);
  });
});
