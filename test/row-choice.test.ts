import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl, { type DataFrame } from "nodejs-polars";
import { afterEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../src/emulator/emulator.ts";
import {
  enrichColumn,
  enrichColumns,
  type EnrichOptions,
  type ModelSpec,
  type OutputOption,
} from "../src/index.ts";

let emulator: Emulator;
let folder: string;

afterEach(async () => {
  await emulator.close();
});

async function modelAt(options: EmulatorOptions = {}): Promise<ModelSpec> {
  folder = mkdtempSync(join(tmpdir(), "rows-"));
  emulator = await startEmulator({ seed: 5, ...options });
  return { provider: "openai", model: "gpt-test", baseUrl: emulator.url, apiKey: "k" };
}

type Options = EnrichOptions<string, OutputOption>;

const here = (more: Options = {}): Options => ({
  pollEveryMs: 10,
  runDir: join(folder, "runs"),
  ...more,
});

const asked = (): number => emulator.stats().rowsExecuted + emulator.stats().liveCalls;

const ROWS = 120;
const rows = (): DataFrame =>
  pl.DataFrame({
    text: Array.from({ length: ROWS }, (_, row) => `text ${String(row)}`),
    team: Array.from({ length: ROWS }, (_, row) => (row < 110 ? "many" : "few")),
  });

/** The rows with an answer, in order. */
function answered(frame: DataFrame, column = "enriched"): number[] {
  const statuses = frame.getColumn(`${column}_status`).toArray() as string[];
  return statuses.flatMap((status, row) => (status === "ok" || status === "cached" ? [row] : []));
}

describe("a sample", () => {
  it("is contained in a larger one, and the whole run pays for the rest only", async () => {
    const model = await modelAt();
    const run = (more: Options) => enrichColumn(rows(), "say {{ text }}", model, here(more));
    const tried = await run({ sample: { rows: 12 } }).preview(5);
    expect(asked()).toBe(5);
    const small = await run({ sample: { rows: 12 } });
    expect(answered(small)).toHaveLength(12);
    expect(tried.rows.every((row) => answered(small).includes(row))).toBe(true);
    expect(asked()).toBe(12);
    const large = await run({ sample: { rows: 40 } });
    expect(answered(small).every((row) => answered(large).includes(row))).toBe(true);
    expect(asked()).toBe(40);
    const other = await run({ sample: { rows: 40, seed: 1 } }).plan();
    expect(other).toMatchObject({ requests: 40, sample: { rows: 40, by: null, seed: 1 } });
    expect(other.cached).toBeLessThan(40);
    const whole = await run({}).report();
    expect(whole.rows).toMatchObject({ total: ROWS, ok: ROWS - 40, cached: 40 });
    expect(asked()).toBe(ROWS);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it("begins with the rows that a preview of the same seed asks", async () => {
    const model = await modelAt();
    const run = (more: Options) => enrichColumn(rows(), "say {{ text }}", model, here(more));
    const tried = await run({}).preview(6, { by: "team", seed: 2 });
    const drawn = await run({ sample: { rows: 30, by: "team", seed: 2 } });
    expect(tried.rows.every((row) => answered(drawn).includes(row))).toBe(true);
    expect(asked()).toBe(30);
  });

  it("is refused beside a limit, and with a column there is not", async () => {
    const model = await modelAt();
    const run = (more: Options) => enrichColumn(rows(), "say {{ text }}", model, here(more));
    await expect(run({ sample: { rows: 5 }, limit: 5 }).plan()).rejects.toMatchObject({
      code: "option_invalid",
    });
    await expect(run({ sample: { rows: 5, by: "teem" } }).plan()).rejects.toMatchObject({
      code: "unknown_column",
      hint: 'Did you mean "team", "text"?',
    });
    expect(asked()).toBe(0);
  });

  it("holds for every step of several columns, which ask the same rows", async () => {
    const model = await modelAt({ faults: { failRows: { count: 2, status: 400 } } });
    const sample = { rows: 20, by: "team" };
    const run = enrichColumns(
      rows(),
      [
        { column: "a", template: "say {{ text }}", model, sample },
        { column: "b", template: "twice {{ text }}", model, sample },
        { column: "c", template: "of {{ a }}", model, sample },
      ],
      { pollEveryMs: 10, runDir: join(folder, "runs") },
    );
    const frame = await run;
    const [a, b, c] = ["a", "b", "c"].map((column) => answered(frame, column));
    expect(new Set([...(a ?? []), ...(b ?? [])]).size).toBe(20);
    // Rows that failed before are not made up for by others, which have nothing to be asked about.
    expect((c ?? []).every((row) => a?.includes(row))).toBe(true);
    const receipt = await run.report();
    expect(receipt).toMatchObject({ sample: { rows: 20, by: "team", seed: 0 } });
    expect(receipt.steps?.["c"]?.skippedBy).toMatchObject({ sample: 100 });
  });
});

describe("a key", () => {
  const sharing = (): DataFrame => rows().withColumns(pl.col("team").alias("id"));

  it("is looked through in the rows themselves, whatever is asked of them", async () => {
    const model = await modelAt();
    const of = (more: Options) => enrichColumn(sharing(), "say {{ text }}", model, here(more));
    const { key, warnings } = await of({ key: "id" }).plan();
    expect(key).toMatchObject({ columns: ["id"], repeated: ROWS - 2, missing: 0 });
    expect(warnings.join()).toContain('as "many" in rows 1 and 2; "few" in rows 111 and 112');
    expect((await of({ key: ["id", "text"] }).plan()).warnings).toEqual([]);
    // Another key is no other run, and nothing is asked for it.
    await of({ key: "text" });
    const asking = asked();
    expect((await of({ key: "id" }).plan()).key?.repeated).toBe(ROWS - 2);
    await of({ key: "id" });
    expect(asked()).toBe(asking);
  });

  it("is one for all steps, votes and pieces", async () => {
    const model = await modelAt();
    const runDir = join(folder, "runs");
    const steps = [
      { column: "a", template: "say {{ text }}", model },
      { column: "b", template: "of {{ a }}", model },
    ] as const;
    const several = enrichColumns(sharing(), steps, { pollEveryMs: 10, runDir, key: "id" });
    expect((await several.plan()).key?.repeated).toBe(ROWS - 2);
    const output = { labels: ["x"], allowOther: true } as const;
    const voted = enrichColumn(
      sharing(),
      "{{ text }}",
      model,
      here({ votes: 2, output, key: "id" }),
    );
    expect((await voted.plan()).key?.repeated).toBe(ROWS - 2);
    const cut = { maxChars: 4, onLong: "chunk", key: "text" } as const;
    const pieces = enrichColumn(sharing(), "{{ text }}", model, here(cut));
    expect((await pieces.plan()).key).toMatchObject({ repeated: 0 });
  });
});
