import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, expectTypeOf, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichColumn } from "../../src/enrich.ts";
import type { EnrichRun } from "../../src/enrich-run.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import { embed } from "../../src/verbs/embed.ts";

let emulator: Emulator;
let runDir: string;

beforeEach(async () => {
  emulator = await startEmulator({ seed: 5 });
  runDir = await mkdtemp(join(tmpdir(), "embed-"));
});
afterEach(async () => {
  await emulator.close();
  await rm(runDir, { recursive: true, force: true });
});

const quick = () => ({ runDir, pollEveryMs: 5 });
const model = (): ModelSpec & { readonly model: "text-embedding-3-small" } => ({
  provider: "openai",
  model: "text-embedding-3-small",
  baseUrl: emulator.url,
  apiKey: "test-key",
  settleMs: 50,
});
const frame = () =>
  pl.DataFrame({
    "the | title": pl.Series("the | title", ["a", "b", null, "a"], pl.String),
    text: pl.Series("text", ["one", "two", "three", "one"], pl.String),
  });

type SchemaOf<R> =
  R extends EnrichRun<infer T, unknown>
    ? T extends { readonly schema: infer S }
      ? S
      : never
    : never;
type ValueOf<R> = R extends EnrichRun<unknown, infer V> ? V : never;

describe("embed", () => {
  it("adds a list column of 32-bit floats, shares one request between equal texts, skips blanks", async () => {
    const run = embed(frame(), "the | title", model(), quick());
    const result = await run;
    expect(result.columns).toEqual([
      ...["the | title", "text"],
      ...["embedding", "embedding_status", "embedding_error"],
    ]);
    expect(result.getColumn("embedding").dtype).toEqual(pl.List(pl.Float32));
    const vectors = result.getColumn("embedding").toArray() as (readonly number[] | null)[];
    expect(vectors[0]?.length).toBeGreaterThan(10);
    expect([vectors[2], vectors[3]]).toEqual([null, vectors[0]]);
    expect(vectors[1]).not.toEqual(vectors[0]);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("takes a template, a length and a column's name, and gives each row's vector as floats", async () => {
    const options = { ...quick(), dimensions: 16, column: "v" } as const;
    const run = embed(frame(), "{{ text }}!", model(), options);
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<Float32Array>();
    expectTypeOf<SchemaOf<typeof run>["v"]>().toEqualTypeOf<Float32Array | null>();
    const values = await Array.fromAsync(run, ({ value }) => value);
    expect(values.map((value) => value?.length ?? null)).toEqual([16, 16, 16, 16]);
    expect(values[0]).toBeInstanceOf(Float32Array);
  });

  it("refuses a column that is not there, when compiled and when run, and text options", async () => {
    // @ts-expect-error the column is named text
    const misspelt = embed(frame(), "txt", model(), quick());
    await expect(misspelt).rejects.toMatchObject({ code: "unknown_column" });
    // @ts-expect-error the column is named text
    const inTemplate = embed(frame(), "say {{ txt }}", model(), quick());
    await expect(inTemplate).rejects.toMatchObject({ code: "unknown_column" });
    // @ts-expect-error a vector has no instructions
    expect(() => embed(frame(), "text", model(), { ...quick(), system: "x" })).not.toThrow();
  });
});

describe("a model whose name says that it embeds", () => {
  it("gives vectors when nothing else is asked for, as its types say", async () => {
    const run = enrichColumn(frame(), "{{ text }}", model(), quick());
    expectTypeOf<ValueOf<typeof run>>().toEqualTypeOf<Float32Array>();
    expectTypeOf<SchemaOf<typeof run>["enriched"]>().toEqualTypeOf<Float32Array | null>();
    const result = await run;
    expect(result.getColumn("enriched").dtype).toEqual(pl.List(pl.Float32));
  });

  it("is known by whole words of its name, by the compiler as at run time", async () => {
    const at = { baseUrl: emulator.url, apiKey: "test-key", provider: "openai" } as const;
    const kindOf = async (name: string): Promise<string> => {
      const run = enrichColumn(frame(), "{{ text }}", { ...at, model: name }, quick());
      const [file] = await run.requestFiles();
      return (file?.path ?? "") === "" ? "none" : await urlOf(file?.path ?? "");
    };
    const vectors = [
      enrichColumn(frame(), "{{ text }}", { ...at, model: "mistral-embed" }),
      enrichColumn(frame(), "{{ text }}", { ...at, model: "text-Embeddings-004" }),
      enrichColumn(frame(), "{{ text }}", { ...at, model: "embedded-then-embed" }),
      enrichColumn(frame(), "{{ text }}", "google/gemini-embedding-001"),
    ];
    expectTypeOf<ValueOf<(typeof vectors)[number]>>().toEqualTypeOf<Float32Array>();
    const texts = [
      enrichColumn(frame(), "{{ text }}", { ...at, model: "embedded" }),
      enrichColumn(frame(), "{{ text }}", { ...at, model: "unembed-1" }),
      enrichColumn(frame(), "{{ text }}", "openai/gpt-5-mini"),
      enrichColumn(frame(), "{{ text }}", ["openai/x"].join()),
    ];
    expectTypeOf<ValueOf<(typeof texts)[number]>>().toEqualTypeOf<string>();
    const labelled = enrichColumn(frame(), "{{ text }}", "openai/text-embedding-3-small", {
      output: { labels: ["a", "b"] },
    });
    expectTypeOf<ValueOf<typeof labelled>>().toEqualTypeOf<"a" | "b">();
    for (const run of [...vectors, ...texts, labelled]) expect(run.progress()).toBeNull();
    for (const name of ["mistral-embed", "text-Embeddings-004", "embedded-then-embed"])
      expect([name, await kindOf(name)]).toEqual([name, "/v1/embeddings"]);
    for (const name of ["embedded", "unembed-1", "embedembed"])
      expect([name, await kindOf(name)]).toEqual([name, "/v1/chat/completions"]);
  });
});

async function urlOf(path: string): Promise<string> {
  const [line = "{}"] = (await readFile(path, "utf8")).split("\n");
  return (JSON.parse(line) as { url: string }).url;
}
