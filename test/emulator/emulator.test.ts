import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { manualClock, startEmulator } from "../../src/emulator/emulator.ts";
import { chatLine, chatLines, clientOf, create, ended, linesIn, run, stage } from "./drive.ts";
import { textOf } from "./drive.ts";

let folder = "";

// Each test has a temporary directory of its own, so that what is left behind can be seen.
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "emulator-test-"));
  for (const name of ["TMPDIR", "TEMP"]) vi.stubEnv(name, folder);
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

describe("startEmulator", () => {
  it("is the same to the byte for the same seed, calls and clock", async () => {
    const output = async (seed: number): Promise<string> => {
      const times = { validatingMs: 0, runMs: 0, finalizingMs: 0 };
      const faults = { failRows: 0.2, truncateRows: 0.2, duplicateRows: 0.1 };
      const { client } = await stage({ seed, clock: manualClock(), ...times, faults });
      const batch = await run(client, chatLines(60));
      const files = [batch.output_file_id, batch.error_file_id];
      const texts = await Promise.all(files.map((file) => textOf(client, file)));
      return JSON.stringify(batch) + texts.join("\n");
    };
    const first = await output(5);
    expect(await output(5)).toBe(first);
    expect(await output(6)).not.toBe(first);
  });

  it("draws its own seed when none is given, and says which", async () => {
    const [a, b] = [await startEmulator(), await startEmulator()];
    expect(a.seed).not.toBe(b.seed);
    await Promise.all([a.close(), b.close()]);
  });

  it("refuses faults that do not exist", async () => {
    const faults = { dropRow: 1 } as object;
    await expect(startEmulator({ faults })).rejects.toBeInstanceOf(InputError);
  });

  it("rejects when the port is taken and leaves nothing behind", async () => {
    const { emulator } = await stage();
    await expect(startEmulator({ port: emulator.port })).rejects.toMatchObject({
      code: "EADDRINUSE",
    });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it("takes a new answerer's word and many batches at a time", async () => {
    const { client, emulator } = await stage({
      answer: async ({ customId, endpoint }) => {
        await Promise.resolve();
        return { content: `${endpoint} ${customId ?? ""}` };
      },
    });
    const created = await Promise.all(
      [1, 2, 3].map((group) => create(client, [chatLine(`g${String(group)}`)])),
    );
    for (const { id } of created) {
      const batch = await ended(client, id);
      const [line] = await linesIn(client, batch.output_file_id);
      expect(line?.response?.body.choices[0].message.content).toBe(
        `/v1/chat/completions ${line?.custom_id ?? ""}`,
      );
    }
    expect(emulator.stats().batches).toEqual({ completed: 3 });
  });
});

describe("close", () => {
  it("does not wait for answers that never come, and removes its files", async () => {
    const { promise: asked, resolve: begin } = Promise.withResolvers<null>();
    const emulator = await startEmulator({
      answer: () => {
        begin(null);
        return new Promise(() => undefined);
      },
    });
    expect(readdirSync(folder)).toHaveLength(1);
    await create(clientOf(emulator), chatLines(2));
    await asked;
    await emulator.close();
    await emulator.close();
    await expect(fetch(emulator.url)).rejects.toThrow();
    expect(readdirSync(folder)).toEqual([]);
  });

  it("happens by itself at the end of an `await using` block", async () => {
    const emulator = await startEmulator();
    await emulator[Symbol.asyncDispose]();
    await expect(fetch(emulator.url)).rejects.toThrow();
  });
});
