/** Chunks are sent while later rows are still being read, and nothing is lost or sent twice by a kill meanwhile. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { filesBelow, sentEarly, TEXTS } from "./early-run.ts";

let folder: string;
let emulator: Emulator;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "early-"));
  emulator = await startEmulator({ seed: 3 });
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

const batches = (): number =>
  emulator.requests().filter(({ method, path }) => method === "POST" && path === "/v1/batches")
    .length;

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(5);
}

describe("a run that sends early", () => {
  it("creates a batch before the last row is read, and answers every row once", async () => {
    const run = await sentEarly({
      url: emulator.url,
      runDir: join(folder, "runs"),
      lastRows: () => until(() => batches() > 0),
    });
    expect(run.statuses).toEqual(TEXTS.map(() => "ok"));
    expect(run.values).toEqual(TEXTS.map((text) => `say ${text}`));
    expect(emulator.stats().rowsExecuted).toBe(TEXTS.length);
  });

  it("hands on what was not answered after the plan's own chunks, though it comes back before", async () => {
    await emulator.close();
    emulator = await startEmulator({ seed: 3, faults: { expireRows: { count: 3 } } });
    const run = await sentEarly({
      url: emulator.url,
      runDir: join(folder, "runs"),
      lastRows: async () => {
        await until(() => emulator.stats().rowsExecuted > 0);
        // Time for what must not happen: that the ended batch is collected.
        for (let look = 0; look < 12; look += 1) {
          const seen = emulator.requests().length;
          await Promise.race([until(() => emulator.requests().length > seen), sleep(150)]);
        }
      },
    });
    expect(run.values).toEqual(TEXTS.map((text) => `say ${text}`));
  });

  it("goes on after it was killed between its first batch and the last row", async () => {
    const runDir = join(folder, "runs");
    const child = spawn(
      process.execPath,
      [
        fileURLToPath(new URL("early-child.ts", import.meta.url)),
        JSON.stringify({ url: emulator.url, runDir }),
      ],
      { stdio: "inherit" },
    );
    const ended = once(child, "exit") as Promise<[number | null, string | null]>;
    await until(() => batches() > 0);
    // The rows that are left are never given: it stands in the middle of planning.
    child.kill("SIGKILL");
    expect((await ended)[1]).toBe("SIGKILL");
    const run = await sentEarly({ url: emulator.url, runDir, lastRows: () => Promise.resolve() });
    expect(run.values).toEqual(TEXTS.map((text) => `say ${text}`));
    expect(emulator.stats().rowsExecuted).toBe(TEXTS.length);
  });

  it("keeps what was sent when a later row is damaged, and says so", async () => {
    const runDir = join(folder, "runs");
    const damaged = sentEarly({
      url: emulator.url,
      runDir,
      lastRows: async () => {
        await until(() => batches() > 0);
        throw new InputError("file_damaged", "The rest cannot be read. Nothing was sent.");
      },
    });
    await expect(damaged).rejects.toMatchObject({
      code: "input_broke_off",
      message: expect.stringMatching(
        /^The rest cannot be read. Rows before it were sent/,
      ) as string,
    });
    expect(await filesBelow(runDir)).toContain("run.sqlite");
  });

  it("stops reading when the provider refuses for good", async () => {
    await emulator.close();
    emulator = await startEmulator({ seed: 3, apiKeys: ["another"] });
    let read = false;
    const refused = sentEarly({
      url: emulator.url,
      runDir: join(folder, "runs"),
      lastRows: async () => {
        await until(() => emulator.requests().length > 0);
        read = true;
      },
    });
    await expect(refused).rejects.toMatchObject({ code: "provider_auth" });
    expect(read).toBe(true);
  });

  it("is refused where all rows must be known first", async () => {
    const input = join(folder, "rows.csv");
    await writeFile(input, "text\na\n");
    const files = { input, output: join(folder, "out.csv") };
    const model = { provider: "openai", model: "m", baseUrl: emulator.url, apiKey: "test-key" };
    for (const whole of [{ maxCostUsd: 1 }, { maxFailures: 3 }, { lane: "auto" }] as const)
      expect(() =>
        enrichFile(files, "say {{ text }}", model, { sendsEarly: true, ...whole }),
      ).toThrow(InputError);
    expect(emulator.requests()).toEqual([]);
  });
});
