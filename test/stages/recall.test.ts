import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import { keptLine, type KeptLines } from "../../src/core/kept-lines.ts";
import type { NewRequest, PlannedBlock } from "../../src/core/plan.ts";
import type { Prompt } from "../../src/core/request.ts";
import { recall } from "../../src/stages/recall.ts";
import { keptOf } from "./support.ts";

const idOf = (text: string): string => contentHash(text);

function requestOf(text: string, ordinal: number): NewRequest {
  const prompt: Prompt = { messages: [{ role: "user", content: text }], cells: [text] };
  return { ordinal, id: idOf(text), prompt };
}

/** Two rows a block. */
function blocks(...texts: readonly string[]): readonly PlannedBlock[] {
  const starts = [...texts.keys()].filter((at) => at % 2 === 0);
  return starts.map((firstRow) => {
    const own = texts.slice(firstRow, firstRow + 2);
    return {
      rows: { firstRow, requests: Int32Array.from(own, (_, at) => firstRow + at) },
      requests: own.map((text, at) => requestOf(text, firstRow + at)),
    };
  });
}

function idsIn(ids: Uint8Array): readonly string[] {
  return Buffer.from(ids).toString("hex").match(/.{32}/g) ?? [];
}

async function recalled(
  texts: readonly string[],
  kept: Readonly<Record<string, string>>,
  isUsable: (line: string) => boolean = () => true,
): Promise<readonly (string | null)[]> {
  const byId = new Map(Object.entries(kept).map(([text, line]) => [idOf(text), line]));
  const find = (ids: Uint8Array): KeptLines => keptOf(idsIn(ids).map((id) => byId.get(id) ?? null));
  const made = await Array.fromAsync(
    recall(ReadableStream.from(blocks(...texts)), {
      find,
      isUsable: (found, at) => Promise.resolve(isUsable(keptLine(found, at) ?? "")),
    }),
  );
  expect(made.map(({ rows }) => rows)).toEqual(blocks(...texts).map(({ rows }) => rows));
  return made.flatMap(({ requests, kept }) =>
    requests.map((_, at) => (kept === undefined ? null : keptLine(kept, at))),
  );
}

describe("recall", () => {
  it("gives what is kept its reply, and leaves the rest to be sent", async () => {
    expect(await recalled(["a", "b", "ü"], { a: "{1}", ü: "{ü}" })).toEqual(["{1}", null, "{ü}"]);
  });

  it("asks again what is kept and no longer an answer", async () => {
    const kept = { a: "old", b: "new", c: "new", ü: "old" };
    const made = await recalled(["a", "b", "c", "ü"], kept, (line) => line === "new");
    expect(made).toEqual([null, "new", "new", null]);
  });
});
