import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import pl from "nodejs-polars";
import { describe, expect, expectTypeOf, it, onTestFinished, vi } from "vitest";
import { costUsd, priceOf } from "../../src/core/price.ts";
import { META_NAMES } from "../../src/core/meta.ts";
import { enrichColumn, enrichFile } from "../../src/enrich.ts";
import { enrichColumns } from "../../src/enrich-columns.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun } from "../../src/runs/runs.ts";
import { saying, stand } from "../verbs/support.ts";

type SchemaOf<R> =
  R extends EnrichRun<infer T, unknown>
    ? T extends { readonly schema: infer S }
      ? S
      : never
    : never;

const frame = (texts: readonly (string | null)[]) =>
  pl.DataFrame({ text: pl.Series("text", [...texts], pl.String) });
const TEXTS = ["good", "bad", null, "good"];
const echo = saying((text) => text);

type Row = Readonly<Record<string, string | number | null>>;
const rowsOf = (result: { toRecords(): unknown }): readonly Row[] => result.toRecords() as Row[];
const sumOf = (rows: readonly Row[], column: string): number =>
  rows.reduce((sum, row) => sum + Number(row[column] ?? 0), 0);

describe("what is told of an answer", () => {
  it("stands in columns of its own, typed, and is the same for rows that share a request", async () => {
    const { emulator, model, quick } = await stand({ answer: echo });
    const options = { ...quick, column: "c", meta: META_NAMES };
    const run = enrichColumn(frame(TEXTS), "{{ text }}", model, options);
    const rows = rowsOf(await run);
    expect(rows[0]).toMatchObject({
      c: "good",
      c_model: "gpt-5-mini",
      c_cached_tokens: 0,
      c_cache_write_tokens: 0,
      c_reasoning_tokens: 0,
      c_attempts: 1,
      c_finish_reason: "stop",
      c_raw: "good",
      c_confidence: null,
    });
    expect(rows[0]?.["c_run"]).toBe((await run.report()).run);
    expect(rows[0]?.["c_custom_id"]).toMatch(/^r\w{7}-1-0$/);
    expect(rows[0]?.["c_batch_id"]).toMatch(/^batch_/);
    expect(rows[0]?.["c_prompt_hash"]).toMatch(/^[0-9a-f]{32}$/);
    expect(rows[0]?.["c_latency"]).toBeGreaterThanOrEqual(0);
    const { c_cost: _, ...first } = rows[0] ?? {};
    const { c_cost: none, ...last } = rows[3] ?? {};
    expect([last, none]).toEqual([first, 0]);
    const skipped = Object.entries(rows[2] ?? {}).filter(([name]) => name !== "c_status");
    expect(skipped.map(([, value]) => value)).toEqual(skipped.map(() => null));
    expect(rows[1]?.["c_custom_id"]).not.toBe(rows[0]?.["c_custom_id"]);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("is typed for the compiler, and a name that is none does not compile", async () => {
    const { model, quick } = await stand();
    const run = enrichColumn(frame(TEXTS), "{{ text }}", model, {
      ...quick,
      column: "c",
      meta: ["cost", "raw", "tokens"],
    });
    expectTypeOf<SchemaOf<typeof run>["c_cost"]>().toEqualTypeOf<number | null>();
    expectTypeOf<SchemaOf<typeof run>["c_raw"]>().toEqualTypeOf<string | null>();
    expectTypeOf<SchemaOf<typeof run>["c_cached_tokens"]>().toEqualTypeOf<number | null>();
    expectTypeOf<SchemaOf<typeof run>>().not.toHaveProperty("c_model");
    // @ts-expect-error there is no such name
    const wrong = enrichColumn(frame(TEXTS), "{{ text }}", model, { ...quick, meta: ["costs"] });
    await expect(wrong).rejects.toMatchObject({ code: "option_invalid" });
    expect((await run).columns.slice(4)).toEqual([
      ...["c_cost", "c_raw", "c_input_tokens", "c_cached_tokens", "c_cache_write_tokens"],
      ...["c_output_tokens", "c_reasoning_tokens"],
    ]);
  });

  it("keeps its types where every row failed", async () => {
    const { model, quick } = await stand({ faults: { refuseRows: 1 } });
    const meta = ["cost", "attempts", "raw", "confidence"] as const;
    const result = await enrichColumn(frame(TEXTS), "{{ text }}", model, { ...quick, meta });
    const types = meta.map((name) => result.schema[`enriched_${name}`]);
    expect(types).toEqual([pl.Float64, pl.Int64, pl.String, pl.Float64]);
  });

  it("tells the confidence of the model inside the package, which costs nothing", async () => {
    const { quick } = await stand();
    const run = enrichColumn(frame(["I love it", "Awful."]), "{{ text }}", "embedded/use-lite", {
      ...quick,
      output: { labels: ["positive", "negative"] },
      meta: ["confidence", "cost", "model"],
    });
    const rows = rowsOf(await run);
    for (const row of rows) {
      expect(row["enriched_confidence"]).toBeGreaterThan(0.5);
      expect(row["enriched_confidence"]).toBeLessThanOrEqual(1);
      expect([row["enriched_cost"], row["enriched_model"]]).toEqual([0, "use-lite"]);
    }
    expect((await run.report()).costUsd).toBe(0);
  });

  it("has the request's identity without a cache as well, and the same wherever the same is asked", async () => {
    const { model, quick } = await stand({ answer: echo });
    const hashes = async (more: object) =>
      rowsOf(
        await enrichColumn(frame(TEXTS), "{{ text }}", model, {
          ...quick,
          meta: ["prompt_hash"],
          ...more,
        }),
      ).map((row) => row["enriched_prompt_hash"] ?? null);
    const uncached = await hashes({ cache: false, name: "one" });
    expect(uncached[0]).toMatch(/^[0-9a-f]{32}$/);
    expect(uncached[3]).toBe(uncached[0]);
    expect(await hashes({ name: "two" })).toEqual(uncached);
    expect(await hashes({ name: "three", temperature: 1 })).not.toEqual(uncached);
  });

  it("may be read by a later step, as the quotes and the cut texts of an earlier one may", async () => {
    const { model, quick } = await stand({
      answer: saying((text) =>
        text.startsWith("got ") ? text : { answer: { n: 1 }, quotes: { n: "one" } },
      ),
    });
    const first = {
      column: "a",
      template: "{{ text | fence }}",
      model,
      output: "n: int",
      quotes: true,
      maxChars: 7,
      onLong: "truncate",
      meta: ["attempts"],
    } as const;
    const template = "got {{ a_attempts }} {{ a_n_quote }} {{ a_truncated }}";
    const steps = [first, { column: "b", template, model }] as const;
    const result = await enrichColumns(frame(["one two three"]), steps, quick);
    expect(rowsOf(result)[0]?.["b"]).toBe("got 1 one true");
  });

  it("names the run of all steps, which commands take", async () => {
    const { model, quick } = await stand({ answer: echo });
    const steps = ["a", "b"].map(
      (column) => ({ column, template: "{{ text }}", model, meta: ["run"] }) as const,
    );
    const run = enrichColumns(frame(["x"]), steps, quick);
    const [row] = rowsOf(await run);
    const { run: id } = await run.report();
    expect([row?.["a_run"], row?.["b_run"]]).toEqual([id, id]);
    expect((await findRun(id, quick.runDir)).id).toBe(id);
  });
});

describe("what a row cost", () => {
  const meta = ["cost", "tokens", "attempts", "finish_reason", "raw"] as const;

  it("is its usage at the model's price, half in a batch, and sums to the receipt's", async () => {
    const { model, quick } = await stand({ answer: echo });
    const run = enrichColumn(frame(TEXTS), "{{ text }}", model, { ...quick, meta });
    const [first, second] = rowsOf(await run);
    const price = priceOf("openai", "gpt-5-mini");
    expect(price?.batchShare).toBe(0.5);
    const usd = (row: Row | undefined): number =>
      (Number(row?.["enriched_input_tokens"]) * (price?.inputPerM ?? 0) +
        Number(row?.["enriched_output_tokens"]) * (price?.outputPerM ?? 0)) /
      2e6;
    expect(first?.["enriched_cost"]).toBeCloseTo(usd(first), 15);
    expect(usd(first)).toBeGreaterThan(0);
    const { costUsd: total } = await run.report();
    expect(total).toBeCloseTo(usd(first) + usd(second), 15);
  });

  it("counts every reply that was charged: unusable ones, cut ones, and answers after them", async () => {
    const answer = saying((text) => (text.startsWith("odd") ? "no JSON" : { label: "a" }));
    const faults = { truncateRows: { containing: "cut" }, refuseRows: { containing: "no, " } };
    const { model, quick } = await stand({ answer, faults });
    const run = enrichColumn(
      frame(["fine", "odd one", "cut here", "no, never", "fine"]),
      "{{ text | fence }}",
      model,
      { ...quick, output: { labels: ["a", "b"] }, maxTokens: 50, meta },
    );
    const rows = rowsOf(await run);
    expect(rows.map((row) => row["enriched_error"])).toEqual([
      ...[null, "invalid_output", "truncated", "refused", null],
    ]);
    expect(rows.map((row) => row["enriched_attempts"])).toEqual([1, 2, 2, 1, 1]);
    expect(rows.map((row) => row["enriched_finish_reason"])).toEqual([
      ...["stop", "stop", "length", "stop", "stop"],
    ]);
    expect(rows.map((row) => row["enriched_raw"])).toEqual([
      ...['{"label":"a"}', "no JSON", null, null, '{"label":"a"}'],
    ]);
    for (const row of rows.slice(0, 4)) expect(row["enriched_cost"]).toBeGreaterThan(0);
    const { costUsd: total, usage } = await run.report();
    expect(sumOf(rows, "enriched_cost")).toBeCloseTo(total ?? -1, 12);
    const price = priceOf("openai", "gpt-5-mini");
    if (price === null) throw new Error("The price is missing.");
    expect(total).toBeCloseTo(costUsd(usage, price, "batch"), 12);
  });

  it("is 0 for an answer from the cache, whose tokens are still told", async () => {
    const { model, quick } = await stand({ answer: echo });
    const ask = (name: string) =>
      enrichColumn(frame(TEXTS), "{{ text }}", model, {
        ...quick,
        name,
        meta: [...meta, "batch_id", "latency"],
      });
    const [bought] = rowsOf(await ask("one"));
    const run = ask("two");
    const [recalled] = rowsOf(await run);
    expect(recalled).toMatchObject({
      enriched_status: "cached",
      enriched_cost: 0,
      enriched_attempts: 0,
      enriched_batch_id: null,
      enriched_latency: null,
      enriched_output_tokens: bought?.["enriched_output_tokens"],
    });
    expect((await run.report()).costUsd).toBe(0);
  });

  it("is null where the price is not known, and what the user's own prices make it", async () => {
    const { model, quick } = await stand({ answer: echo }, "somebodys-model");
    const ask = (more: object) =>
      enrichColumn(frame(["four"]), "{{ text }}", model, { ...quick, meta, ...more });
    const unknown = ask({ name: "unknown" });
    expect(rowsOf(await unknown)[0]?.["enriched_cost"]).toBeNull();
    expect((await unknown.report()).costUsd).toBeNull();
    const prices = { "openai/somebodys-model": { inputPerM: 3, outputPerM: 7, batchShare: 0.25 } };
    // Finished, and looked at again with a price: nothing is asked anew.
    const known = ask({ name: "unknown", prices });
    const [row] = rowsOf(await known);
    const usd =
      ((Number(row?.["enriched_input_tokens"]) * 3 + Number(row?.["enriched_output_tokens"]) * 7) *
        0.25) /
      1e6;
    expect(row?.["enriched_cost"]).toBeCloseTo(usd, 15);
    expect((await known.report()).costUsd).toBeCloseTo(usd, 15);
    await expect(ask({ prices: { m: { inputPerM: -1, outputPerM: 0 } } })).rejects.toMatchObject({
      code: "option_invalid",
    });
  });

  it("charges a long prompt as one, whatever the others are", async () => {
    const { model, quick } = await stand({ answer: saying((text) => text.slice(0, 4)) }, "gpt-5.4");
    const texts = ["short", "long ".repeat(300_000)];
    const run = enrichColumn(frame(texts), "{{ text }}", model, { ...quick, meta });
    const rows = rowsOf(await run);
    const price = priceOf("openai", "gpt-5.4");
    expect(rows[1]?.["enriched_input_tokens"]).toBeGreaterThan(price?.above?.inputTokens ?? 1e9);
    const { costUsd: total } = await run.report();
    expect(sumOf(rows, "enriched_cost")).toBeCloseTo(total ?? -1, 9);
    const long = (Number(rows[1]?.["enriched_input_tokens"]) * 5) / 2e6;
    expect(rows[1]?.["enriched_cost"]).toBeGreaterThan(long);
  });
});

it("a run that is gone on with by name tells the same", async () => {
  const { folder, model, quick } = await stand({ answer: echo });
  const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
  await writeFile(files.input, "text\ngood\nbad\n");
  const prices = { "gpt-5-mini": { inputPerM: 1, outputPerM: 1 } };
  const options = { ...quick, name: "r", meta: ["cost", "raw"] as const, prices };
  vi.stubEnv("OPENAI_API_KEY", "test-key");
  onTestFinished(() => {
    vi.unstubAllEnvs();
  });
  const first = await enrichFile(files, "{{ text }}", model, options);
  const written = await readFile(files.output, "utf8");
  expect(written).toContain("enriched_error,enriched_cost,enriched_raw\n");
  const again = await resumeRun(await findRun("r", quick.runDir), { pollEveryMs: 5 });
  expect(await readFile(files.output, "utf8")).toBe(written);
  expect(again.costUsd).toBe(first.costUsd);
});
