/** An address where nobody ever was ends a run that has sent nothing; one that has sent something is patient. */

import { mkdtemp } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { Chunk } from "../src/core/chunk.ts";
import { ProviderError } from "../src/core/errors.ts";
import { startEmulator } from "../src/emulator/emulator.ts";
import { enrichColumn } from "../src/enrich.ts";
import { noteMiss, unknownReach } from "../src/run/reach.ts";

/** A port of this machine on which nobody listens. */
async function deadPort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

describe("a run to an address where nobody is", () => {
  it.each([
    ["batch", 3],
    ["realtime", 3],
    ["auto", 300],
  ] as const)("ends in the lane %s, and goes on once somebody is there", async (lane, rows) => {
    const runDir = await mkdtemp(join(tmpdir(), "dead-"));
    const texts = Array.from({ length: rows }, (_, at) => `text ${String(at)}`);
    const port = await deadPort();
    const ask = () =>
      enrichColumn(
        pl.DataFrame({ text: texts }),
        "{{ text }}",
        {
          provider: "openai",
          model: "gpt-test",
          baseUrl: `http://127.0.0.1:${String(port)}`,
          apiKey: "k",
        },
        { column: "answer", name: "one", runDir, lane, pollEveryMs: 5 },
      );
    const first = ask();
    const warnings: string[] = [];
    first.on("warning", ({ code }) => warnings.push(code));
    const failure: unknown = await first.then(
      () => null,
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(ProviderError);
    expect(failure).toMatchObject({
      code: "provider_unreachable",
      retryable: false,
      message: expect.stringMatching(
        /ECONNREFUSED.*5 tries .*Nothing was sent, and nothing was spent/,
      ) as unknown,
      hint: expect.stringContaining("batchframe doctor") as unknown,
    });
    expect(warnings).toEqual(["provider_unreachable"]);
    const emulator = await startEmulator({ seed: 3, port });
    try {
      const frame = await ask();
      expect(frame.getColumn("answer").toArray()).toEqual(texts);
      expect(emulator.stats().bodiesBilledAgain).toBe(0);
    } finally {
      await emulator.close();
    }
  });
});

describe("a call for which no connection came about", () => {
  const error = new ProviderError("provider_unreachable", "nobody", {
    retryable: true,
    neverConnected: true,
  });
  const planned = {
    number: 1,
    lane: "batch",
    state: "submitting",
    batchId: null,
    intent: null,
  } as Chunk;
  const trying = (chunks: readonly Chunk[], told: string[], isWaiting = true) => ({
    ...{
      host: "host",
      hasAnswered: false,
      isWaiting,
      pollEveryMs: 0,
      signal: new AbortController().signal,
    },
    chunks: () => Promise.resolve(chunks),
    warn: (message: string) => told.push(message),
  });

  it.each([
    ["a batch was made", { ...planned, state: "submitted", batchId: "b" }],
    ["an upload was over", { ...planned, intent: { id: "i", atMs: 0, staged: {} } }],
    ["a chunk was answered live", { ...planned, lane: "realtime", state: "collected" }],
  ] as unknown as readonly [string, Chunk][])(
    "is tried for ever where %s, and told once",
    async (_, chunk) => {
      const reach = unknownReach();
      const told: string[] = [];
      for (let at = 0; at < 30; at++)
        expect(await noteMiss(reach, error, trying([chunk], told))).toBe("patient");
      expect(told).toEqual(["nobody. It is tried again until it works."]);
    },
  );

  it("does not end what only looks in", async () => {
    const reach = unknownReach();
    for (let at = 0; at < 30; at++)
      expect(await noteMiss(reach, error, trying([planned], [], false))).toBe("patient");
  });

  it("counts anew once somebody has answered anything, and answers of a cache count for nothing", async () => {
    const reach = unknownReach();
    const cached = { ...planned, number: 0, state: "collected" } as Chunk;
    const miss = () => noteMiss(reach, error, trying([cached, planned], []));
    for (let at = 0; at < 4; at++) expect(await miss()).toBe("waited");
    const busy = new ProviderError("provider_busy", "later", { retryable: true, httpStatus: 429 });
    expect(await noteMiss(reach, busy, trying([planned], []))).toBe("none");
    for (let at = 0; at < 4; at++) expect(await miss()).toBe("waited");
    await expect(miss()).rejects.toMatchObject({ code: "provider_unreachable", retryable: false });
  });
});
