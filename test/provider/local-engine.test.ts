import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ending } from "../../src/core/chunk.ts";
import { localBatches, type LocalAnswerer } from "../../src/provider/local-engine.ts";
import type { Batch } from "../../src/provider/provider.ts";

const NEVER = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function batchOf(lines: readonly string[]): Promise<Batch> {
  const path = join(folder, "000001.requests.jsonl");
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  return {
    tag: { run: "rabcdefg", chunk: 1, intent: "intent" },
    file: { name: "000001.requests.jsonl", path, bytes: 1, requestCount: lines.length },
    staged: {},
    sentAtMs: 0,
    batchId: "local-intent",
  };
}

/** An answerer that shouts, and keeps what it was asked. */
function shouter(asked: string[] = [], linesAtOnce = 2): LocalAnswerer {
  return {
    linesAtOnce,
    answer: (lines) => {
      asked.push(...lines);
      return Promise.resolve(lines.map((line) => line.toUpperCase()));
    },
    close: () => Promise.resolve(),
  };
}

async function ended(engine: ReturnType<typeof localBatches>, batch: Batch): Promise<Ending> {
  for (;;) {
    const status = await engine.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

async function textOf(
  engine: ReturnType<typeof localBatches>,
  batch: Batch,
  ending: Ending,
): Promise<string> {
  return Buffer.concat(await Array.fromAsync(engine.replies(batch, ending, NEVER))).toString();
}

describe("the local engine", () => {
  it("answers every line once, in groups, the last one smaller", async () => {
    const asked: string[] = [];
    const engine = localBatches(shouter(asked));
    const batch = await batchOf(["a", "b", "c"]);
    const ending = await ended(engine, batch);
    expect(ending).toEqual({ outcome: "completed", results: {}, reason: null });
    expect(await textOf(engine, batch, ending)).toBe("A\nB\nC\n");
    expect(asked).toEqual(["a", "b", "c"]);
    await engine.close();
  });

  it("goes on after a crash where its journal ends, half a line cut off", async () => {
    const asked: string[] = [];
    const batch = await batchOf(["a", "b", "c", "d"]);
    await appendFile(`${batch.file.path}.journal`, 'A\nB\n{"half');
    const engine = localBatches(shouter(asked));
    const ending = await ended(engine, batch);
    expect(await textOf(engine, batch, ending)).toBe("A\nB\nC\nD\n");
    expect(asked).toEqual(["c", "d"]);
    await engine.close();
  });

  it("keeps what it has answered when it is cancelled or closed", async () => {
    const { promise: asking, resolve: begun } = Promise.withResolvers<undefined>();
    const { promise: leave, resolve: goOn } = Promise.withResolvers<undefined>();
    const slow: LocalAnswerer = {
      ...shouter([], 1),
      answer: async (lines) => {
        begun(undefined);
        await leave;
        return lines.map((line) => line.toUpperCase());
      },
    };
    const engine = localBatches(slow);
    const batch = await batchOf(["a", "b", "c"]);
    expect((await engine.poll(batch, NEVER)).phase).toBe("running");
    await asking;
    await engine.cancel(batch, NEVER);
    goOn(undefined);
    const ending = await ended(engine, batch);
    expect(ending.outcome).toBe("cancelled");
    expect(await textOf(engine, batch, ending)).toBe("A\n");
    await engine.close();
    const asked: string[] = [];
    const next = localBatches(shouter(asked));
    await ended(next, batch);
    expect(asked).toEqual(["b", "c"]);
    await next.close();
  });

  it("tells when the model itself fails, and loses nothing that was answered", async () => {
    let calls = 0;
    const engine = localBatches({
      ...shouter([], 1),
      answer: (lines) => {
        calls += 1;
        if (calls > 1) return Promise.reject(new Error("Out of memory."));
        return Promise.resolve(lines.map((line) => line.toUpperCase()));
      },
    });
    const batch = await batchOf(["a", "b"]);
    await expect(ended(engine, batch)).rejects.toThrow("Out of memory.");
    expect(await readFile(`${batch.file.path}.journal`, "utf8")).toBe("A\n");
    await engine.close();
  });

  it("deletes its journal when the batch is discarded, as often as asked", async () => {
    const engine = localBatches(shouter());
    const batch = await batchOf(["a"]);
    const ending = await ended(engine, batch);
    await engine.discard(batch, ending, NEVER);
    await engine.discard(batch, ending, NEVER);
    await expect(readFile(`${batch.file.path}.journal`)).rejects.toThrow("ENOENT");
    await engine.close();
  });

  it("finds no batch of a cut-off creation, since making it again costs nothing", async () => {
    const engine = localBatches(shouter());
    const batch = await batchOf(["a"]);
    expect(await engine.find(batch, NEVER)).toEqual({ found: "nothing" });
    expect(await Array.fromAsync(engine.tagged(NEVER))).toEqual([]);
    expect(engine).toMatchObject({ free: true, settleMs: 0 });
    await engine.close();
  });
});
