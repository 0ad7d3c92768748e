import fc from "../../property.ts";
import { describe, expect, it } from "vitest";

import { buildAnswerer, promptsOf, usesHead } from "../../../src/provider/embedded/answer.ts";
import { buildEncoder } from "../../../src/provider/embedded/encoder.ts";
import type { EmbeddedAnswer, EmbeddedField } from "../../../src/provider/embedded/field.ts";
import { buildTokenizer } from "../../../src/provider/embedded/tokenizer.ts";
import { head, readWeights, vocabulary } from "./model.ts";

const tokenize = buildTokenizer(vocabulary);
const encode = buildEncoder(readWeights());
const embed = (texts: readonly string[]): Float32Array[] => encode(texts.map(tokenize));

function ask(field: EmbeddedField, texts: readonly string[]): EmbeddedAnswer[] {
  const answer = buildAnswerer(field, { prompts: embed(promptsOf(field)), head });
  return embed(texts).map((vector, at) => answer(texts[at] ?? "", vector));
}

const values = (answers: readonly EmbeddedAnswer[]): unknown[] => answers.map(({ value }) => value);

const labels = (...names: string[]): EmbeddedField => ({
  kind: "labels",
  labels: names.map((name) => ({ name })),
});

const GOOD = "Absolutely fantastic, I love it and the staff were wonderful.";
const BAD = "Terrible quality, it broke at once and I want my money back.";
const PLAIN = "What are your opening hours on Sunday?";

const TOPICS: EmbeddedField = {
  kind: "labels",
  labels: [
    { name: "food", description: "meals, taste, cooks and the menu" },
    { name: "travel", description: "flights, trains, hotels and luggage" },
    { name: "money", description: "prices, invoices, banks and payments" },
  ],
};

describe("sentiment labels", () => {
  it("reads clear-cut sentences", () => {
    const field = labels("positive", "negative", "neutral");
    expect(values(ask(field, [GOOD, BAD, PLAIN]))).toEqual(["positive", "negative", "neutral"]);
  });

  it("answers in the caller's own words and order", () => {
    expect(values(ask(labels("Meh", "Unhappy", "Happy"), [GOOD, BAD]))).toEqual([
      "Happy",
      "Unhappy",
    ]);
  });

  it("hears a negation", () => {
    const texts = ["I am happy with it.", "I am not happy with it at all."];
    expect(values(ask(labels("good", "bad"), texts))).toEqual(["good", "bad"]);
  });

  it("is more sure of a clear text than of a mixed one", () => {
    const mixed = "The design is lovely but the battery is poor.";
    const [clear, unclear] = ask(labels("positive", "negative"), [GOOD, mixed]);
    expect(clear?.confidence).toBeGreaterThan((unclear?.confidence ?? 1) + 0.1);
  });

  it("recognises a scale by its descriptions and leaves other label sets alone", () => {
    const described: EmbeddedField = {
      kind: "labels",
      labels: [
        { name: "A", description: "praise or satisfaction" },
        { name: "B", description: "the customer complains" },
      ],
    };
    expect(usesHead(described)).toBe(true);
    expect(values(ask(described, [GOOD, BAD]))).toEqual(["A", "B"]);
    expect(usesHead(TOPICS)).toBe(false);
    expect(usesHead(labels("good", "great", "bad"))).toBe(false);
    expect(usesHead(labels("billing", "shipping"))).toBe(false);
  });
});

describe("described labels", () => {
  it("chooses by description", () => {
    const texts = [
      "The soup was cold and tasted of salt.",
      "My suitcase was left behind in Madrid.",
      "You charged my card twice for the same invoice.",
    ];
    expect(values(ask(TOPICS, texts))).toEqual(["food", "travel", "money"]);
  });

  it("gives every label that applies, and none when none does", () => {
    const multi: EmbeddedField = { ...TOPICS, multi: true };
    const [both, none] = ask(multi, [
      "The hotel and the flights were fine but the prices on the invoice were wrong.",
      "Purple ideas sleep furiously.",
    ]);
    expect(both?.value).toEqual(["travel", "money"]);
    expect(none?.value).toEqual([]);
  });
});

describe("the relevance threshold", () => {
  const axis = (cosineToFirst: number): Float32Array => {
    const vector = new Float32Array(512);
    vector.set([cosineToFirst, Math.sqrt(1 - cosineToFirst ** 2)]);
    return vector;
  };
  const level = { ...head, centre: [], topics: [] };

  it("lies at a similarity of 0.5", () => {
    const field: EmbeddedField = { kind: "labels", multi: true, labels: [{ name: "xyz" }] };
    const prompts = promptsOf(field).map(() => axis(1));
    const answer = buildAnswerer(field, { prompts, head: level });
    expect(answer("", axis(0.52)).value).toEqual(["xyz"]);
    expect(answer("", axis(0.48)).value).toEqual([]);
    expect(answer("", axis(0.5)).confidence).toBeCloseTo(0.5, 2);
  });
});

describe("booleans", () => {
  it("answers sentiment booleans with the head", () => {
    const field: EmbeddedField = { kind: "boolean", name: "is_positive" };
    expect(promptsOf(field)).toEqual([]);
    expect(values(ask(field, [GOOD, BAD, PLAIN]))).toEqual([true, false, false]);
    const negative: EmbeddedField = { kind: "boolean", name: "isNegative" };
    expect(values(ask(negative, [GOOD, BAD]))).toEqual([false, true]);
  });

  it("answers others by topic", () => {
    const field: EmbeddedField = {
      kind: "boolean",
      name: "mentions_delivery",
      description: "the delivery of a parcel by a courier",
    };
    const texts = ["The courier never delivered my parcel.", "The screen is too dark to read."];
    expect(values(ask(field, texts))).toEqual([true, false]);
  });
});

describe("scores", () => {
  it("puts sentiment on the asked scale", () => {
    const field: EmbeddedField = { kind: "score", name: "sentiment", min: -10, max: 10 };
    const [good, bad] = values(ask(field, [GOOD, BAD])).map(Number);
    expect(good).toBeGreaterThan(4);
    expect(bad).toBeLessThan(-4);
  });

  it("is whole when asked, and grows with likeness otherwise", () => {
    const field: EmbeddedField = {
      kind: "score",
      name: "urgency",
      description: "an emergency that must be solved at once",
      min: 1,
      max: 5,
      integer: true,
    };
    const texts = [
      "This is an emergency, it must be solved at once!",
      "I like the green curtains.",
    ];
    const [urgent, calm] = values(ask(field, texts)).map(Number);
    expect(urgent).toBe(5);
    expect(calm).toBe(1);
  });
});

describe("buildAnswerer", () => {
  it("returns the embedding itself when that is asked for", () => {
    const [vector] = embed([GOOD]);
    expect(ask({ kind: "embedding" }, [GOOD])[0]).toEqual({ value: vector, confidence: 1 });
  });

  it("keeps confidences and scores in range for any text, the same each time", () => {
    const score: EmbeddedField = { kind: "score", name: "relevance", min: 2, max: 3 };
    const fields = [labels("positive", "negative"), TOPICS, score];
    fc.assert(
      fc.property(fc.string({ maxLength: 60 }), fc.constantFrom(...fields), (text, field) => {
        const [answer] = ask(field, [text]);
        expect(answer?.confidence).toBeGreaterThanOrEqual(field.kind === "score" ? 0.5 : 1 / 3);
        expect(answer?.confidence).toBeLessThanOrEqual(1);
        if (field.kind === "score") {
          expect(answer?.value).toBeGreaterThanOrEqual(2);
          expect(answer?.value).toBeLessThanOrEqual(3);
        }
        expect(ask(field, [text])).toEqual([answer]);
      }),
      { numRuns: 30 },
    );
  });
});
