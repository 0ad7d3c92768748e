import { readFile } from "node:fs/promises";

import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { loadUseLite } from "../../../src/provider/embedded/use-lite.ts";
import type { UseLite } from "../../../src/provider/embedded/use-lite.ts";
import { cosine, NASTY_TEXTS } from "./model.ts";

let model: UseLite;
beforeAll(async () => {
  model = await loadUseLite();
});
afterAll(() => model.close());

const bench = (name: string): Promise<string> =>
  readFile(new URL(`../../../bench/data/${name}`, import.meta.url), "utf8");

describe("embed", () => {
  it("gives one unit vector a text, in order, the same each time", async () => {
    const texts = [...NASTY_TEXTS, "", "  \n", "long ".repeat(50_000)];
    const first = await model.embed(texts);
    expect(first).toHaveLength(texts.length);
    for (const vector of first) expect(cosine(vector, vector)).toBeCloseTo(1, 5);
    expect(await model.embed(texts)).toEqual(first);
    expect(await model.embed([])).toEqual([]);
  });

  it("keeps concurrent callers apart", async () => {
    const texts = Array.from({ length: 90 }, (_, at) => `text number ${at}`);
    const [all, ...single] = await Promise.all([
      model.embed(texts),
      ...texts.slice(0, 10).map((text) => model.embed([text])),
    ]);
    expect(single.flat()).toEqual(all.slice(0, 10));
    expect(new Set(all.map((vector) => vector[0])).size).toBeGreaterThan(80);
  });

  it("leaves the caller's event loop free", async () => {
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);
    await model.embed(Array.from({ length: 64 }, (_, at) => `some longer text number ${at}`));
    clearInterval(timer);
    expect(turns).toBeGreaterThan(2);
  });
});

describe("close", () => {
  it("refuses calls under way and later ones, and may be repeated", async () => {
    const own = await loadUseLite();
    const under = own.embed(Array.from({ length: 200 }, () => "to be interrupted"));
    const refused = expect(under).rejects.toMatchObject({ code: "embedded_stopped" });
    await own.close();
    await own.close();
    await refused;
    await expect(own.embed(["late"])).rejects.toMatchObject({ code: "embedded_stopped" });
  });
});

describe("classify", () => {
  it("sorts the written support tickets, at least nine in ten", async () => {
    const topics = JSON.parse(await bench("support-topics.json")) as Record<string, string>;
    const rows: Record<string, string>[] = parse(await bench("support-tickets.csv"), {
      columns: true,
    });
    const answers = await model.classify(
      rows.map((row) => row["text"] ?? ""),
      {
        kind: "labels",
        labels: Object.entries(topics).map(([name, description]) => ({ name, description })),
      },
    );
    const right = answers.filter(({ value }, at) => value === rows[at]?.["gold"]).length;
    expect(rows).toHaveLength(90);
    expect(right).toBeGreaterThanOrEqual(81);
  });
});
