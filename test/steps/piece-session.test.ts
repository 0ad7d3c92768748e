import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { Emulator, EmulatorOptions } from "../../src/emulator/emulator.ts";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { enrichColumn, enrichFile } from "../../src/enrich.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun } from "../../src/runs/runs.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "pieces-"));
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

async function start(options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({ seed: 3, ...options });
}

const model = () =>
  ({ provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "k" }) as const;

const LONG = Array.from({ length: 30 }, (_, at) => `word${String(at)}`).join(" ");

const options = () =>
  ({ column: "x", maxChars: 60, onLong: "chunk", runDir: folder, pollEveryMs: 5 }) as const;

const column = (df: unknown, name: string): unknown[] =>
  (df as pl.DataFrame).getColumn(name).toArray();

describe("a long text asked in pieces", () => {
  it("is one row again, with every word asked about and the number of pieces told", async () => {
    await start();
    const frame = pl.DataFrame({ id: ["1", "2", "3"], text: ["short", LONG, null] });
    const run = enrichColumn(frame, "{{ text }}", model(), options());
    const result = await run;
    expect((result as unknown as pl.DataFrame).columns).toEqual([
      ...["id", "text", "x", "x_status", "x_error", "x_pieces"],
    ]);
    const [short, long, none] = column(result, "x") as (string | null)[];
    expect(short).toBe("short");
    for (const word of LONG.split(" ")) expect(long).toContain(word);
    expect(none).toBeNull();
    const [one, many, blank] = column(result, "x_pieces");
    expect([one, blank]).toEqual([1n, null].map((n) => (n === null ? null : Number(n))));
    expect(Number(many)).toBeGreaterThan(3);
    expect(column(result, "x_status")).toEqual(["ok", "ok", "skipped"]);
    const receipt = await run.report();
    expect(receipt.rows).toEqual({ total: 3, ok: 2, cached: 0, skipped: 1, failed: 0 });
    expect(receipt.requests).toBe(Number(many) + 1);
    const rows = await Array.fromAsync(run);
    expect(rows.map(({ value }) => value)).toEqual([short, long, null]);
    expect((await run.plan()).warnings.join(" ")).toContain("in pieces");
  });

  it("fails when any of its pieces does: part of a text is never taken for all of it", async () => {
    await start({ faults: { failRows: { containing: "word20", status: 400 } } });
    const frame = pl.DataFrame({ text: [LONG, "short"] });
    const result = await enrichColumn(frame, "{{ text }}", model(), options());
    expect(column(result, "x_status")).toEqual(["failed", "ok"]);
    expect(column(result, "x")).toEqual([null, "short"]);
    expect(column(result, "x_error")).toEqual(["invalid_input", null]);
  });

  it("goes over files, keeps to the limit, and is gone on with by name", async () => {
    await start();
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, `id,text\n1,${LONG}\n2,${LONG} too\n3,last\n`);
    const given = { ...options(), limit: 2, name: "pieces" };
    await enrichFile({ input, output }, "{{ text }}", model(), given);
    const written = await readFile(output, "utf8");
    expect(written).toContain("3,last,,skipped,,");
    vi.stubEnv("OPENAI_API_KEY", "k");
    const { rowsExecuted } = emulator.stats();
    await resumeRun(await findRun("pieces", folder), { pollEveryMs: 5 });
    expect(await readFile(output, "utf8")).toBe(written);
    expect(emulator.stats().rowsExecuted).toBe(rowsExecuted);
  });

  it("is refused with what looks at single answers", async () => {
    await start();
    const frame = pl.DataFrame({ text: [LONG] });
    const run = enrichColumn(frame, "{{ text }}", model(), { ...options(), meta: ["model"] });
    await expect(Promise.resolve(run)).rejects.toMatchObject({ code: "option_unsupported" });
    const wide = pl.DataFrame({ text: [LONG], x_pieces: ["taken"] });
    const taken = enrichColumn(wide, "{{ text }}", model(), options());
    await expect(Promise.resolve(taken)).rejects.toMatchObject({ code: "column_exists" });
  });
});
