import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { digestTexts, type PackedTexts } from "../../src/core/packed.ts";
import { digesting } from "../../src/session/digesting.ts";
import { planThread, type PlanThread } from "../../src/session/plan-thread.ts";
import type { Digest } from "../../src/stages/plan.ts";

let open: PlanThread | null = null;

afterEach(async () => {
  await open?.close();
  open = null;
});

function opened(file?: URL): Digest {
  return digesting((open = planThread(null, file)), 0);
}

function textsOf(block: number): PackedTexts {
  const texts = Array.from(
    { length: 50 },
    (_, at) => `block ${String(block)}, "text" ${String(at)}\n`,
  );
  let end = 0;
  return {
    hashed: ["user text\n"],
    form: new Uint8Array(texts.length),
    ends: Uint32Array.from(texts, (text) => (end += text.length)),
    bytes: new Uint8Array(Buffer.from(texts.join(""))),
  };
}

/** Digests blocks until some were taken to the thread; whether any was. */
async function digested(digest: Digest, blocks: number): Promise<boolean> {
  let isTaken = false;
  for (let block = 0; block < blocks; block += 1) {
    const some = Array.from({ length: 8 }, (_, at) => textsOf(8 * block + at));
    const expected = some.map((texts) => digestTexts(texts));
    const made = some.map((texts) => digest(texts));
    isTaken ||= some.some(({ bytes }) => bytes.buffer.detached);
    for (const [at, { ids, ends, bytes }] of (await Promise.all(made)).entries()) {
      expect(Buffer.from(ids).equals(expected[at]?.ids ?? Buffer.of())).toBe(true);
      expect(ends).toEqual(expected[at]?.ends);
      const texts = `"block ${String(8 * block + at)}, \\"text\\" 49\\n"`;
      expect(Buffer.from(bytes.subarray(ends[48], ends[49])).toString()).toBe(texts);
    }
    if (isTaken) return true;
    await sleep(10);
  }
  return isTaken;
}

describe("a digester", () => {
  it("gives the same from its thread as here, each block its own", async () => {
    expect(await digested(opened(), 2000)).toBe(true);
  });

  it("begins no thread for a small plan", async () => {
    const thread = (open = planThread(null));
    let isBegun = false;
    const begin = (): void => {
      isBegun = true;
      thread.begin();
    };
    const digest = digesting({ ...thread, begin });
    await digested(digest, 1);
    expect(isBegun).toBe(false);
    await digested(digest, 2);
    expect(isBegun).toBe(true);
  });

  it("digests here where there is no thread to be had", async () => {
    const missing = new URL("./no-such-file.ts", import.meta.url);
    expect(await digested(opened(missing), 20)).toBe(false);
  });

  it("says so when its thread breaks off, and leaves nobody waiting", async () => {
    const code = `import { parentPort } from "node:worker_threads";
      parentPort.on("message", () => process.exit(3));
      parentPort.postMessage("ready");`;
    const breaking = opened(new URL(`data:text/javascript,${encodeURIComponent(code)}`));
    await expect(digested(breaking, 2000)).rejects.toMatchObject({
      code: "plan_thread_ended",
      message: expect.stringContaining("it ended with code 3") as string,
    });
    expect(await digested(breaking, 1)).toBe(false);
  });
});
