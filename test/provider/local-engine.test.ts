import { appendFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ending } from "../../src/core/chunk.ts";
import { localBatches, type LocalAnswerer, type Stops } from "../../src/provider/local-engine.ts";
import type { Sent } from "./support.ts";

const NEVER = new AbortController().signal;

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "engine-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

const ask = (id: string): string => JSON.stringify({ custom_id: id, body: {} });
const reply = (line: string): string => line.replace("body", "reply");
const replyTo = (id: string): string => reply(ask(id));

async function batchOf(ids: readonly string[]): Promise<Sent> {
  const path = join(folder, "000001.requests.jsonl");
  await writeFile(path, ids.map((id) => `${ask(id)}\n`).join(""));
  return {
    tag: { run: "rabcdefg", chunk: 1, intent: "intent" },
    file: { name: "000001.requests.jsonl", path, bytes: 1, requestCount: ids.length },
    staged: {},
    sentAtMs: 0,
    batchId: "local-intent",
  };
}

interface Shape {
  readonly groups?: number;
  readonly lines?: number;
}

/** An answerer made of a function from a group to its replies. */
function answerer(
  answerGroup: (lines: readonly string[], stops: Stops) => Promise<readonly string[]>,
  { groups = 1, lines = 1 }: Shape = {},
): LocalAnswerer {
  return {
    groupsAtOnce: groups,
    linesAtOnce: () => lines,
    answer: async function* (group, stops) {
      yield await answerGroup(group, stops);
    },
    close: () => Promise.resolve(),
  };
}

/** An answerer that answers at once, and keeps what it was asked. */
function prompt(asked: string[] = [], shape: Shape = {}): LocalAnswerer {
  return answerer((lines) => {
    asked.push(...lines);
    return Promise.resolve(lines.map(reply));
  }, shape);
}

/** Requests that are answered when the test says so. */
function held(): {
  readonly answering: (lines: readonly string[], stops: Stops) => Promise<readonly string[]>;
  readonly begun: (count: number) => Promise<readonly string[]>;
  readonly finish: (line: string) => void;
} {
  const open = new Map<string, () => void>();
  const begun = async (count: number): Promise<readonly string[]> => {
    while (open.size < count) await tick();
    return [...open.keys()];
  };
  return {
    begun,
    answering: ([line = ""], { cut }) => {
      const { promise, resolve } = Promise.withResolvers<readonly string[]>();
      open.set(line, () => {
        open.delete(line);
        resolve([reply(line)]);
      });
      cut.addEventListener("abort", () => {
        resolve([]);
      });
      return promise;
    },
    finish: (line) => open.get(line)?.(),
  };
}

const tick = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));

type Engine = ReturnType<typeof localBatches>;

async function ended(engine: Engine, batch: Sent): Promise<Ending> {
  for (;;) {
    const status = await engine.poll(batch, NEVER);
    if (status.phase === "ended") return status.ending;
    await tick();
  }
}

async function repliesOf(engine: Engine, batch: Sent, ending: Ending): Promise<readonly string[]> {
  const pieces = await Array.fromAsync(engine.replies(batch, ending, NEVER));
  return Buffer.concat(pieces).toString().split("\n").slice(0, -1);
}

describe("the local engine", () => {
  it("answers every line once, in groups, the last one smaller", async () => {
    const sizes: number[] = [];
    const engine = localBatches(
      answerer(
        (lines) => {
          sizes.push(lines.length);
          return Promise.resolve(lines.map(reply));
        },
        { lines: 2 },
      ),
    );
    const batch = await batchOf(["a", "b", "c"]);
    const ending = await ended(engine, batch);
    expect(ending).toEqual({ outcome: "completed", results: {}, reason: null });
    expect(await repliesOf(engine, batch, ending)).toEqual(["a", "b", "c"].map(replyTo));
    expect(sizes).toEqual([2, 1]);
    await engine.close();
  });

  it("has as many groups under way as it may and no more, and writes replies as they come", async () => {
    const { answering, begun, finish } = held();
    const engine = localBatches(answerer(answering, { groups: 3 }));
    const batch = await batchOf(["a", "b", "c", "d"]);
    expect(await engine.poll(batch, NEVER)).toEqual({ phase: "running", done: 0 });
    expect(await begun(3)).toEqual(["a", "b", "c"].map(ask));
    finish(ask("b"));
    while ((await begun(3))[2] !== ask("d")) await tick();
    expect(await readFile(`${batch.file.path}.journal`, "utf8")).toBe(`${replyTo("b")}\n`);
    expect(await engine.poll(batch, NEVER)).toEqual({ phase: "running", done: 1 });
    for (const id of ["d", "c", "a"]) finish(ask(id));
    const ending = await ended(engine, batch);
    expect((await repliesOf(engine, batch, ending)).toSorted()).toEqual(
      ["a", "b", "c", "d"].map(replyTo),
    );
    await engine.close();
  });

  it("asks after a crash what has no reply in the journal, in whatever order replies came", async () => {
    const asked: string[] = [];
    const batch = await batchOf(["a", "b", "c", "d"]);
    const journal = `${replyTo("d")}\n${replyTo("b")}\n{"custom_id":"c","re`;
    await appendFile(`${batch.file.path}.journal`, journal);
    const engine = localBatches(prompt(asked));
    const ending = await ended(engine, batch);
    expect(await repliesOf(engine, batch, ending)).toEqual(["d", "b", "a", "c"].map(replyTo));
    expect(asked).toEqual(["a", "c"].map(ask));
    await engine.close();
  });

  it("finishes what is under way when it is cancelled, and begins nothing", async () => {
    const { answering, begun, finish } = held();
    const engine = localBatches(answerer(answering, { groups: 2 }));
    const batch = await batchOf(["a", "b", "c"]);
    await engine.poll(batch, NEVER);
    await begun(2);
    await engine.cancel(batch, NEVER);
    expect(await engine.poll(batch, NEVER)).toEqual({ phase: "cancelling", done: 0 });
    finish(ask("b"));
    finish(ask("a"));
    const ending = await ended(engine, batch);
    expect(ending.outcome).toBe("cancelled");
    expect(await repliesOf(engine, batch, ending)).toEqual(["b", "a"].map(replyTo));
    await engine.close();
  });

  it("asks nothing of a batch that is cancelled at the first look", async () => {
    const asked: string[] = [];
    const engine = localBatches(prompt(asked));
    const batch = await batchOf(["a"]);
    await engine.poll(batch, NEVER);
    await engine.cancel(batch, NEVER);
    expect((await ended(engine, batch)).outcome).toBe("cancelled");
    expect(asked).toEqual([]);
    await engine.close();
  });

  it("waits for what is under way when it is closed, and lets the next process go on", async () => {
    const { answering, begun, finish } = held();
    const engine = localBatches(answerer(answering));
    const batch = await batchOf(["a", "b"]);
    await engine.poll(batch, NEVER);
    await begun(1);
    const closing = engine.close();
    finish(ask("a"));
    await closing;
    expect(await engine.poll(batch, NEVER)).toEqual({ phase: "running", done: 1 });
    const asked: string[] = [];
    const next = localBatches(prompt(asked));
    const ending = await ended(next, batch);
    expect(asked).toEqual([ask("b")]);
    expect(await repliesOf(next, batch, ending)).toEqual(["a", "b"].map(replyTo));
    await next.close();
  });

  it("gives up what is still under way when the time for closing is over", async () => {
    const { answering, begun } = held();
    const engine = localBatches(answerer(answering), 1);
    const batch = await batchOf(["a"]);
    await engine.poll(batch, NEVER);
    await begun(1);
    await engine.close();
    expect(await readFile(`${batch.file.path}.journal`, "utf8")).toBe("");
  });

  it("tells when the model itself fails, keeps the others' answers, and goes on at the next look", async () => {
    const { answering, begun, finish } = held();
    let isBroken = true;
    const engine = localBatches(
      answerer(
        async (lines, stops) => {
          if (isBroken && lines[0] === ask("b")) throw new Error("Out of memory.");
          return isBroken ? answering(lines, stops) : lines.map(reply);
        },
        { groups: 2 },
      ),
    );
    const batch = await batchOf(["a", "b", "c"]);
    await engine.poll(batch, NEVER);
    await begun(1);
    finish(ask("a"));
    await expect(ended(engine, batch)).rejects.toThrow("Out of memory.");
    expect(await readFile(`${batch.file.path}.journal`, "utf8")).toBe(`${replyTo("a")}\n`);
    isBroken = false;
    expect((await ended(engine, batch)).outcome).toBe("completed");
    await engine.close();
  });

  it("deletes its journal when the batch is discarded, as often as asked", async () => {
    const engine = localBatches(prompt());
    const batch = await batchOf(["a"]);
    const ending = await ended(engine, batch);
    await engine.discard(batch, ending, NEVER);
    await engine.discard(batch, ending, NEVER);
    await expect(readFile(`${batch.file.path}.journal`)).rejects.toThrow("ENOENT");
    await engine.close();
  });

  it("takes no answer from a batch that was made of the same file before", async () => {
    const asked: string[] = [];
    const engine = localBatches(prompt(asked));
    const first = await batchOf(["a"]);
    await ended(engine, first);
    const tag = { ...first.tag, intent: "second" };
    const second = { ...first, tag, batchId: await engine.create({ ...first, tag }, NEVER) };
    expect(await repliesOf(engine, second, await ended(engine, second))).toEqual([replyTo("a")]);
    expect(asked).toEqual(["a", "a"].map(ask));
    await engine.close();
  });

  it("finds no batch of a cut-off creation, since making it again asks nothing twice", async () => {
    const engine = localBatches(prompt());
    const batch = await batchOf(["a"]);
    expect(await engine.find(batch, NEVER)).toEqual({ found: "nothing" });
    expect(await Array.fromAsync(engine.list(NEVER))).toEqual([]);
    expect(engine.settleMs).toBe(0);
    await engine.close();
  });

  it("says where to go on with a batch that has no request file here", async () => {
    const engine = localBatches(prompt());
    const elsewhere = { ...(await batchOf(["a"])), file: null };
    await expect(engine.poll(elsewhere, NEVER)).rejects.toMatchObject({ code: "batch_elsewhere" });
    await engine.close();
  });
});
