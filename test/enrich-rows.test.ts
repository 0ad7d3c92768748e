import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  tableFromArrays,
  vectorFromArray,
  Int64,
  Table,
  Utf8,
  type RecordBatch,
} from "apache-arrow";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichRows } from "../src/enrich-rows.ts";
import type { ModelSpec } from "../src/provider/models.ts";

let folder: string;
let emulator: Emulator;
let model: ModelSpec;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "enrich-rows-"));
  emulator = await startEmulator({ seed: 5 });
  const { url: baseUrl } = emulator;
  model = { provider: "openai", model: "m", baseUrl, apiKey: "test-key", settleMs: 50 };
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

const here = () => ({ column: "said", runDir: join(folder, "runs"), pollEveryMs: 5 });

const BIG = 9_007_199_254_740_993n;

describe("enrichRows", () => {
  it("gives objects back as new objects, every value as it was", async () => {
    const when = new Date("2026-01-31T12:00:00Z");
    const rows = [
      { id: BIG, text: "a", when },
      { id: 2, more: { nested: [BIG] } },
      { id: 3, text: "b" },
    ];
    const before = structuredClone(rows);
    const made = await enrichRows(rows, "say {{ text }} of {{ id }}", model, here());
    expect(rows).toEqual(before);
    expect(made).toEqual([
      { ...rows[0], said: `say a of ${String(BIG)}`, said_status: "ok", said_error: null },
      { ...rows[1], said: null, said_status: "skipped", said_error: null },
      { ...rows[2], said: "say b of 3", said_status: "ok", said_error: null },
    ]);
    expectTypeOf(made[0]?.id).toEqualTypeOf<bigint | number | undefined>();
  });

  it("puts dates, lists and objects into a template as exact text", async () => {
    const rows = [{ when: new Date("2026-01-31T12:00:00Z"), list: [1n, BIG, null, "x"], ok: true }];
    const made = await enrichRows(rows, "{{ when }} {{ list }} {{ ok }}", model, here());
    expect(made[0]?.["said"]).toBe(`2026-01-31T12:00:00.000Z [1,${String(BIG)},null,"x"] true`);
  });

  it("gives an Arrow table back as a table, batch by batch, its own columns untouched", async () => {
    const ids = vectorFromArray([BIG, null, 3n], new Int64());
    const table = new Table({ id: ids, text: vectorFromArray(["a", "b", null]) });
    const made = await enrichRows(table, "say {{ text }} of {{ id }}", model, here());
    expect(made.schema.names).toEqual(["id", "text", "said", "said_status", "said_error"]);
    expect([...(made.getChild("id") ?? [])]).toEqual([BIG, null, 3n]);
    expect([...(made.getChild("said") ?? [])]).toEqual([`say a of ${String(BIG)}`, null, null]);
    expect(made.schema.fields[0]).toEqual(table.schema.fields[0]);
  });

  it("tries a few rows first, whose answers count toward the run", async () => {
    const rows = Array.from({ length: 30 }, (_, id) => ({ id, text: `text ${String(id)}` }));
    const run = enrichRows(rows, "say {{ text }}", model, here());
    const tried = await run.preview(4);
    expect(tried.rows).toHaveLength(4);
    expect(tried.frame.columns).toEqual(["text", "said", "said_status", "said_error"]);
    expect(tried.frame.getColumn("text").toArray()).toEqual(
      tried.rows.map((row) => `text ${String(row)}`),
    );
    expect(emulator.stats()).toMatchObject({ liveCalls: 4, rowsExecuted: 0 });
    const made = await run;
    expect(made.map(({ said }) => said)).toEqual(rows.map(({ text }) => `say ${text}`));
    expect(emulator.stats()).toMatchObject({ liveCalls: 4, rowsExecuted: 26 });
  });

  it("reads record batches once, a preview before the run included", async () => {
    let reads = 0;
    async function* batches(): AsyncGenerator<RecordBatch> {
      reads += 1;
      yield* await Promise.resolve(
        new Table({ text: vectorFromArray(["a", "b"], new Utf8()) }).batches,
      );
    }
    const run = enrichRows(batches(), "say {{ text }}", model, here());
    expect((await run.preview(1)).rows).toHaveLength(1);
    expect([...((await run).getChild("said") ?? [])]).toEqual(["say a", "say b"]);
    expect(reads).toBe(1);
  });

  it("takes record batches as they come, once, and gives them as a table", async () => {
    let reads = 0;
    async function* batches(): AsyncGenerator<RecordBatch> {
      reads += 1;
      for (const text of ["a", "b"])
        yield* await Promise.resolve(
          new Table({ text: vectorFromArray([text, text], new Utf8()) }).batches,
        );
    }
    const run = enrichRows(batches(), "say {{ text }}", model, here());
    await run.plan();
    const made = await run;
    expect(reads).toBe(1);
    expect([...(made.getChild("said") ?? [])]).toEqual(["say a", "say a", "say b", "say b"]);
    expect(made.batches.map(({ numRows }) => numRows)).toEqual([2, 2]);
  });

  it("collects a LazyFrame and gives a DataFrame", async () => {
    const lazy = pl.DataFrame({ text: ["a", "b"] }).lazy();
    const made = await enrichRows(lazy, "say {{ text }}", model, here());
    expect(made.columns).toEqual(["text", "said", "said_status", "said_error"]);
    expect(made.getColumn("said").toArray()).toEqual(["say a", "say b"]);
  });

  it("refuses anything else, and bytes as text, before anything is sent", async () => {
    expect(() => enrichRows(5 as never, "{{ a }}", model)).toThrow("neither objects");
    const bytes = [{ a: Uint8Array.of(1) }];
    await expect(enrichRows(bytes, "{{ a }}", model, here()).result()).rejects.toThrow("bytes");
    const taken = [{ a: "x", said: 1 }];
    await expect(enrichRows(taken, "{{ a }}", model, here()).result()).rejects.toThrow("said");
    async function* differing(): AsyncGenerator<RecordBatch> {
      yield* tableFromArrays({ a: [1] }).batches;
      yield* await Promise.resolve(tableFromArrays({ b: ["x"] }).batches);
    }
    const mixed = enrichRows(differing(), "{{ a }}", model, here());
    await expect(mixed.result()).rejects.toMatchObject({ code: "parts_differ" });
    expect(emulator.requests()).toEqual([]);
  });
});
