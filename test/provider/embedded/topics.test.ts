import { readFileSync } from "node:fs";

import { parse } from "csv-parse/sync";
import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import { leanOnTopics } from "../../../src/provider/embedded/topics.ts";
import type { CommonTopic } from "../../../src/provider/embedded/topics.ts";
import { dot, unitSum } from "../../../src/provider/embedded/vectors.ts";
import { head } from "./model.ts";

const axis = (at: number, length = 1): number[] =>
  Array.from({ length: 6 }, (_, k) => (k === at ? length : 0));

const topic = (subject: number, examples: number): CommonTopic => ({
  subject: axis(subject, 1000),
  examples: axis(examples, 1000),
});

const unit = (at: number): Float32Array => Float32Array.from(axis(at));

describe("leanOnTopics", () => {
  const lean = leanOnTopics([topic(0, 1), topic(2, 3)]);

  it("moves a description towards the examples of the topic it is, three times as far as it stays", () => {
    const moved = lean(unit(0));
    expect(moved[0]).toBeCloseTo(1 / Math.sqrt(10), 3);
    expect(moved[1]).toBeCloseTo(3 / Math.sqrt(10), 3);
    expect(moved[3]).toBeCloseTo(0, 3);
  });

  it("moves it less the less it resembles the topic, and shares between equals", () => {
    const [full = 0, half = 0] = [unit(0), unitSum([unit(0), unit(5)])].map(
      (description) => lean(description)[1] ?? 0,
    );
    expect(half).toBeGreaterThan(0.5);
    expect(half).toBeLessThan(full);
    const between = lean(unitSum([unit(0), unit(2)]));
    expect(between[1]).toBeGreaterThan(0.4);
    expect(between[1]).toBeCloseTo(between[3] ?? 0, 6);
  });

  it("leaves alone what resembles no topic, or the opposite of one", () => {
    expect([...lean(unit(5))]).toEqual(axis(5));
    const away = leanOnTopics([topic(0, 1)])(Float32Array.from(axis(0, -1)));
    expect([...away].map((value) => value + 0)).toEqual(axis(0, -1).map((value) => value + 0));
    expect([...leanOnTopics([])(unit(4))]).toEqual(axis(4));
  });

  it("gives a unit vector for any description", () => {
    const real = leanOnTopics(head.topics);
    const values = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 512, maxLength: 512 });
    fc.assert(
      fc.property(values, (numbers) => {
        const description = unitSum([Float32Array.from(numbers, (value) => value + 0.5)]);
        const moved = real(description);
        expect(dot(moved, moved)).toBeCloseTo(1, 4);
      }),
      { numRuns: 20 },
    );
  });
});

describe("the committed topics", () => {
  it("are unit vectors of 512 thousandths", () => {
    expect(head.topics.length).toBeGreaterThan(20);
    for (const { subject, examples } of head.topics) {
      for (const values of [subject, examples]) {
        const vector = Float32Array.from(values, (value) => value / 1000);
        expect(vector).toHaveLength(512);
        expect(dot(vector, vector)).toBeCloseTo(1, 2);
      }
    }
  });
});

describe("the example sentences", () => {
  const bench = (name: string): string =>
    readFileSync(new URL(`../../../bench/data/${name}`, import.meta.url), "utf8");
  const runsOfFive = (text: string): string[] => {
    const words = text.toLowerCase().match(/[\p{L}\p{N}']+/gu) ?? [];
    return words.slice(4).map((_, at) => words.slice(at, at + 5).join(" "));
  };

  it("share no five words in a row with a ticket that accuracy is measured on", () => {
    const files = ["support-tickets.csv", "support-tickets-dev.csv"];
    const tickets = files.flatMap((name): Record<string, string>[] =>
      parse(bench(name), { columns: true }),
    );
    const seen = new Set(tickets.flatMap(({ text }) => runsOfFive(text ?? "")));
    const topics = JSON.parse(bench("topic-examples.json")) as Record<string, readonly string[]>;
    const runs = Object.values(topics).flat().flatMap(runsOfFive);
    expect(tickets).toHaveLength(180);
    expect(runs.length).toBeGreaterThan(200);
    expect(runs.filter((run) => seen.has(run))).toEqual([]);
  });

  it("belong to as many topics as the model holds", () => {
    expect(Object.keys(JSON.parse(bench("topic-examples.json")) as object)).toHaveLength(
      head.topics.length,
    );
  });
});
