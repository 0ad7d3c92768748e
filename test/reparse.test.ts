import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { startEmulator, table, type Emulator } from "../src/emulator/emulator.ts";
import { enrichColumn, enrichFile } from "../src/enrich.ts";
import type { OutputOption } from "../src/output/form.ts";
import { schemaOption } from "../src/output/schema-option.ts";
import type { ModelSpec } from "../src/provider/models.ts";
import { reparseRun } from "../src/reparse.ts";
import { resumeRun } from "../src/resume-run.ts";
import { findRun, type RunStatus } from "../src/runs/runs.ts";
import { failuresOf } from "../src/runs/failures.ts";

let folder: string;
let input: string;
let output: string;
let emulator: Emulator;
let model: ModelSpec;

beforeEach(async () => {
  process.env["OPENAI_API_KEY"] = "test-key";
  folder = await mkdtemp(join(tmpdir(), "reparse-"));
  input = join(folder, "in.csv");
  output = join(folder, "out.csv");
  await writeFile(input, "text\nlow\nhigh\nnone\n");
  const replies: Readonly<Record<string, string>> = {
    low: '{"n":2,"when":"2026-01-31"}',
    high: '{"n":9,"when":"2026-02-28"}',
    none: '{"n":"?","when":"2026-02-28"}',
  };
  // A question that is asked again ends in another message, and is answered no better.
  emulator = await startEmulator({ seed: 5, answer: table((text) => replies[text] ?? "no") });
  model = { provider: "openai", model: "m", baseUrl: emulator.url };
});
afterEach(async () => {
  Reflect.deleteProperty(process.env, "OPENAI_API_KEY");
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

const sent = (): number => emulator.requests().filter(({ method }) => method === "POST").length;

const below = (limit: number): z.ZodType =>
  z.object({
    n: z.int().refine((n) => n < limit, `is not below ${String(limit)}`),
    when: z.iso.date(),
  });

async function enrich(schema: OutputOption): Promise<RunStatus> {
  await enrichFile({ input, output }, "{{ text }}", model, {
    output: schema,
    column: "c",
    runDir: join(folder, "runs"),
    pollEveryMs: 5,
  });
  return await findRun("latest", join(folder, "runs"));
}

const written = async (path = output): Promise<readonly string[]> =>
  (await readFile(path, "utf8")).trimEnd().split("\n");

async function failed(run: RunStatus): Promise<readonly (readonly [number, string])[]> {
  return (await Array.fromAsync(failuresOf(run))).map(({ row, message }) => [row, message]);
}

describe("the same call with a changed check", () => {
  it("reads a finished run again for nothing: what was refused is used, what was used is refused", async () => {
    const strict = await enrich(below(5));
    expect(await written()).toEqual([
      "text,c_n,c_when,c_status,c_error",
      "low,2,2026-01-31,ok,",
      "high,,,failed,invalid_output",
      "none,,,failed,invalid_output",
    ]);
    expect(await failed(strict)).toMatchObject([
      [1, expect.stringContaining("n")],
      [2, expect.any(String)],
    ]);
    const before = sent();

    const loose = await enrich(below(10));
    expect(loose.id).toBe(strict.id);
    expect((await written()).slice(1)).toEqual([
      "low,2,2026-01-31,ok,",
      "high,9,2026-02-28,ok,",
      "none,,,failed,invalid_output",
    ]);
    expect((await failed(loose)).map(([row]) => row)).toEqual([2]);

    const stricter = await enrich(below(1));
    expect((await written()).slice(1).map((line) => line.split(",").at(-1))).toEqual(
      Array(3).fill("invalid_output"),
    );
    expect(await failed(stricter)).toMatchObject([
      [0, expect.stringContaining("is not below 1")],
      // The last of two replies that are both refused is the one that is told.
      [1, expect.stringContaining("is not JSON")],
      [2, expect.stringContaining("is not JSON")],
    ]);
    expect(sent()).toBe(before);
  });

  it("gives rows in memory the values it makes now", async () => {
    const frame = pl.DataFrame({ text: ["low", "high"] });
    const ask = (change: (n: number) => number) =>
      enrichColumn(frame, "{{ text }}", model, {
        column: "c",
        output: z.object({ n: z.int().transform(change).pipe(z.number()), when: z.string() }),
        runDir: join(folder, "runs"),
        pollEveryMs: 5,
      });
    const once = await ask((n) => n);
    const before = sent();
    const twice = await ask((n) => n * 2);
    expect(once.getColumn("c_n").toArray()).toEqual([2, 9]);
    expect(twice.getColumn("c_n").toArray()).toEqual([4, 18]);
    expect(sent()).toBe(before);
  });

  it("asks again only what it does not take", async () => {
    await enrich(below(5));
    const before = emulator.stats().rowsExecuted;
    await enrichFile({ input, output }, "{{ text }}", model, {
      output: below(10),
      column: "c",
      runDir: join(folder, "runs"),
      pollEveryMs: 5,
    }).retry();
    // Once more for the one row that is still refused, and once with what was wrong with it.
    expect(emulator.stats().rowsExecuted - before).toBe(2);
    expect((await written())[2]).toBe("high,9,2026-02-28,ok,");
  });
});

describe("reparseRun", () => {
  it("reads replies as another schema, whose columns may be others, into another file", async () => {
    const run = await enrich("n: int, when: date");
    const before = sent();
    const other = join(folder, "other.csv");
    const receipt = await reparseRun(run, {
      schema: "n: int",
      output: other,
    });
    expect(receipt.rows).toMatchObject({ ok: 0, failed: 3 });
    const open = {
      jsonSchema: {
        type: "object",
        properties: { n: { type: ["integer", "null"] }, when: { type: "string" } },
      },
    };
    expect((await reparseRun(run, { schema: open, output: other })).rows).toMatchObject({
      ok: 2,
      failed: 1,
    });
    expect(await written(other)).toEqual([
      "text,c_n,c_when,c_status,c_error",
      "low,2,2026-01-31,ok,",
      "high,9,2026-02-28,ok,",
      "none,,,failed,invalid_output",
    ]);
    expect((await written())[1]).toBe("low,2,2026-01-31,ok,");
    expect(sent()).toBe(before);
  });

  it("needs the schema of a run whose checks are in code, and has it again from a module", async () => {
    const run = await enrich(below(5));
    expect(() => reparseRun(run)).toThrow(expect.objectContaining({ code: "run_not_resumable" }));
    expect(() => resumeRun(run)).toThrow(expect.objectContaining({ code: "run_not_resumable" }));
    expect((await reparseRun(run, { schema: below(10) })).rows).toMatchObject({ ok: 2, failed: 1 });

    const path = join(folder, "schema.mjs");
    await writeFile(
      path,
      `const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
       const validate = (value) => ({ value: { n: value.n * 10 } });
       export const tens = { "~standard": { version: 1, vendor: "own", validate,
         jsonSchema: { input: () => schema, output: () => schema } } };`,
    );
    const own = await enrich(await schemaOption(`${path}#tens`));
    expect((await written())[1]).toBe("low,20,ok,");
    await resumeRun(own, { output: join(folder, "again.csv") });
    expect((await written(join(folder, "again.csv")))[1]).toBe("low,20,ok,");
  });

  it("refuses a run that is not finished", async () => {
    const run = await enrich("n: int, when: date");
    const [chunk] = run.chunks;
    const open = {
      ...run,
      chunks: chunk === undefined ? [] : [{ ...chunk, state: "ended" as const }],
    };
    expect(() => reparseRun(open)).toThrow(expect.objectContaining({ code: "run_unfinished" }));
    expect(() => reparseRun({ ...run, plan: null })).toThrow("is not finished");
  });

  it("does without replies that were of no use and are gone", async () => {
    const run = await enrich(below(1));
    for (const { number } of run.chunks)
      await rm(join(run.directory, "chunks", `${String(number).padStart(6, "0")}.replies.jsonl`), {
        force: true,
      });
    const receipt = await reparseRun(run, { schema: below(1) });
    expect(receipt.failedBy).toEqual({ invalid_output: 3 });
  });
});
