import { mkdtemp, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { contentHash } from "../../src/core/hash.ts";
import type { PlannedBlock } from "../../src/core/plan.ts";
import { recall } from "../../src/stages/recall.ts";
import { chunkFiles } from "../../src/store/chunk-files.ts";
import type { RecalledChunk } from "../../src/store/store.ts";
import { specOf } from "./support.ts";

const idOf = (text: string): string => contentHash(text);

function blocks(...texts: readonly string[]): readonly PlannedBlock[] {
  return texts.map((text, at) => ({
    rows: { firstRow: at, requests: Int32Array.of(at) },
    requests: [
      {
        ordinal: at,
        id: idOf(text),
        request: { ...specOf(), messages: [{ role: "user", content: text }], cells: [text] },
      },
    ],
  }));
}

interface Recalled {
  readonly missing: readonly number[];
  readonly recalled: RecalledChunk | null;
  readonly ids: string;
  readonly replies: string | null;
}

async function recalledOf(
  texts: readonly string[],
  kept: Readonly<Record<string, string>>,
  isUsable: (line: string) => boolean = () => true,
): Promise<Recalled> {
  const folder = await mkdtemp(join(tmpdir(), "recall-"));
  const files = chunkFiles(folder);
  const recorded: RecalledChunk[] = [];
  const byId = new Map(Object.entries(kept).map(([text, line]) => [idOf(text), line]));
  const made = await Array.fromAsync(
    recall(ReadableStream.from(blocks(...texts)), {
      store: {
        files,
        recalled: async (recalled) => {
          // The replies must be whole before the store names them.
          expect(await files.bytes("000000.replies.jsonl")).toBe(recalled.bytes);
          recorded.push(recalled);
        },
      },
      find: (id) => byId.get(id) ?? null,
      isUsable: (line) => Promise.resolve(isUsable(line)),
    }),
  );
  const replies = await readFile(files.path("000000.replies.jsonl"), "utf8").catch(() => null);
  return {
    missing: made.flatMap(({ requests }) => requests.map(({ ordinal }) => ordinal)),
    recalled: recorded[0] ?? null,
    ids: await readFile(files.path("request-ids.txt"), "utf8"),
    replies,
  };
}

describe("recall", () => {
  it("takes out what is kept, whose replies become chunk 0, and leaves the rest to be sent", async () => {
    const made = await recalledOf(["a", "b", "ü"], { a: "{1}", ü: "{ü}" });
    expect(made.missing).toEqual([1]);
    expect(made.replies).toBe("{1}\n{ü}\n");
    expect(made.recalled?.index).toEqual({
      ordinals: Uint32Array.of(0, 2),
      offsets: Float64Array.of(0, 4),
      lengths: Uint32Array.of(3, 4),
    });
  });

  it("writes down every request's identity by ordinal, kept or not", async () => {
    const { ids } = await recalledOf(["a", "b"], { a: "{}" });
    expect(ids).toBe(`${idOf("a")}\n${idOf("b")}\n`);
  });

  it("asks again what is kept and no longer an answer", async () => {
    const made = await recalledOf(["a", "b"], { a: "old", b: "new" }, (line) => line === "new");
    expect(made.missing).toEqual([0]);
  });

  it("makes no chunk where nothing is kept", async () => {
    const made = await recalledOf(["a"], {});
    expect(made.missing).toEqual([0]);
    expect([made.recalled, made.replies]).toEqual([null, null]);
  });
});
