import { isDeepStrictEqual } from "node:util";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Answer } from "../../src/output/answer.ts";
import {
  openSheet,
  sheetWriter,
  type SheetEntry,
  type SheetOrigin,
} from "../../src/output/answer-sheet.ts";
import type { Result } from "../../src/core/result.ts";

type Succeeded = Extract<Result, { status: "succeeded" }>;

interface Noted {
  readonly reply: Succeeded | null;
  readonly answer: Answer | null;
}

const replyOf = (text: string, more: Partial<Succeeded> = {}): Succeeded => ({
  status: "succeeded",
  customId: null,
  text,
  model: null,
  usage: null,
  ...more,
});

const texts = fc.oneof(
  fc.constantFrom("praise", "blame", ""),
  fc.string({ unit: "binary", maxLength: 200 }),
  // Halves of characters, which UTF-8 cannot hold.
  fc.string({ maxLength: 5 }).map((text) => `${text}\ud800`),
);

const quotes = fc.option(fc.dictionary(fc.string(), fc.option(texts), { noNullPrototype: true }), {
  nil: undefined,
});

const noted: fc.Arbitrary<Noted> = fc.oneof(
  fc.constant({ reply: null, answer: null }),
  texts.map((invalid) => ({ reply: replyOf("?"), answer: { invalid } })),
  texts.map((value) => ({ reply: replyOf(value), answer: { value } })),
  fc
    .record({
      json: fc.json(),
      quotes,
      confidence: fc.option(fc.double({ min: 0, max: 1, noNaN: true })),
    })
    .map(({ json, quotes: said, confidence }) => ({
      reply: replyOf(json, confidence === null ? {} : { confidence: Math.abs(confidence) }),
      answer: {
        value: JSON.parse(json) as unknown,
        ...(said === undefined ? {} : { quotes: said }),
      },
    })),
  fc
    .float32Array({ minLength: 1, maxLength: 40 })
    .map((value) => ({ reply: replyOf("", { embedding: value }), answer: { value } })),
  fc.constant({
    reply: replyOf("", { toolCalls: [{ name: "look", arguments: -0 }] }),
    answer: { value: null },
  }),
  fc.constantFrom("-0", '{"a":-0}', "[1, -0.0]").map((text) => ({
    reply: replyOf(text),
    answer: { value: JSON.parse(text) as unknown },
  })),
);

/** Whether an entry is right: the answer to the last bit, or, where a sheet cannot hold it, none. */
function isRight(entry: SheetEntry | undefined, { reply, answer }: Noted): boolean {
  if (reply === null || answer === null) return entry === "failed";
  const { confidence } = reply;
  const due = confidence === undefined || "invalid" in answer ? answer : { ...answer, confidence };
  if (reply.toolCalls !== undefined) return entry === "unread";
  return isDeepStrictEqual(entry, due) || (entry === "unread" && reply.text.includes("-0"));
}

function originOf(count: number, change: Partial<SheetOrigin> = {}): SheetOrigin {
  const index = {
    ordinals: Uint32Array.from({ length: count }, (_, at) => 3 * at),
    offsets: Float64Array.from({ length: count }, (_, at) => 10 * at),
    lengths: new Uint32Array(count).fill(9),
  };
  return { mark: "mark", replyBytes: 10 * count, index, ...change };
}

function written(entries: readonly Noted[], order: readonly number[] = []): Buffer {
  const sheet = sheetWriter(entries.length);
  const pieces: Buffer[] = [];
  const places = [...order, ...[...entries.keys()].filter((place) => !order.includes(place))];
  for (const place of places) {
    const { reply = null, answer = null } = entries[place] ?? {};
    sheet.note(place, reply, answer);
    const piece = sheet.take();
    if (piece !== null) pieces.push(piece);
  }
  return Buffer.concat([
    ...pieces,
    sheet.finish(originOf(entries.length), Uint32Array.from(entries.keys())),
  ]);
}

const opened = (file: Buffer, origin: SheetOrigin) =>
  openSheet({ size: file.length, bytes: (at, length) => file.subarray(at, at + length) }, origin);

/** What somebody's own check gave, on a sheet and back. */
function checkedEntry(value: unknown): SheetEntry | undefined {
  const sheet = sheetWriter(1, true);
  sheet.note(0, replyOf("{}"), { value });
  const file = sheet.finish(originOf(1), Uint32Array.of(0));
  return opened(file, originOf(1))?.at(0);
}

class Amount {
  cents = 5;
}

const cyclic: Record<string, unknown> = {};
cyclic["self"] = cyclic;

const NOT_JSON: Readonly<Record<string, unknown>> = {
  "a date": new Date(0),
  "a large integer": 5n,
  nothing: undefined,
  "a member that is nothing": { a: undefined },
  "an instance of a class": new Amount(),
  "an instance in a list": [[new Amount()]],
  "an object without a prototype": Object.assign(Object.create(null) as object, { a: 1 }),
  "a map": new Map([["a", 1]]),
  "a vector": Float32Array.of(1),
  "a nought below zero": { a: -0 },
  "no number": Number.NaN,
  "what has no end": Number.POSITIVE_INFINITY,
  "a list with a hole": [1, , 2],
  "a list with a name": Object.assign([1], { also: 2 }),
  "a member by a symbol": { [Symbol("a")]: 1 },
  "a member that is hidden": Object.defineProperty({}, "a", { value: 1 }),
  "a member that is worked out": {
    get a() {
      return 1;
    },
  },
  "a word of its own for JSON": { toJSON: () => "other" },
  "a name that JavaScript keeps for itself": JSON.parse('{"__proto__":1}') as unknown,
  "itself within it": cyclic,
};

describe("what somebody's own check gave", () => {
  it.each(Object.keys(NOT_JSON))("is not kept where JSON would alter it: %s", (what) => {
    expect(checkedEntry(NOT_JSON[what])).toBe("unread");
  });

  it("is kept where JSON says all of it", () => {
    const value = { a: [1, null, { "": "\ud800" }, true, -1.5e-9], "1": "", length: 0 };
    expect(checkedEntry(value)).toStrictEqual({ value });
    expect(checkedEntry(["praise"])).toStrictEqual({ value: ["praise"] });
  });

  it("comes back as it was or not at all, whatever it is", () => {
    const anything = fc.anything({
      ...{ withBigInt: true, withDate: true, withMap: true, withSet: true, withTypedArray: true },
      ...{ withNullPrototype: true, withSparseArray: true, withObjectString: true },
    });
    fc.assert(
      fc.property(anything, (value) => {
        const entry = checkedEntry(value);
        if (entry !== "unread") expect(entry).toStrictEqual({ value });
      }),
      { numRuns: 1000 },
    );
    fc.assert(
      fc.property(fc.json(), (text) => {
        const value: unknown = JSON.parse(JSON.stringify(JSON.parse(text)));
        if (!/__proto__|toJSON/.test(text)) expect(checkedEntry(value)).toStrictEqual({ value });
      }),
    );
  });
});

describe("a sheet of answers", () => {
  it("gives back every answer exactly, in whatever order they came, or sends to the reply", () => {
    fc.assert(
      fc.property(fc.array(noted, { maxLength: 30 }), fc.array(fc.nat(29)), (entries, order) => {
        const known = [...new Set(order)].filter((place) => place < entries.length);
        const sheet = opened(written(entries, known), originOf(entries.length));
        const wrong = entries.filter((entry, place) => !isRight(sheet?.at(place), entry));
        expect(wrong).toEqual([]);
      }),
    );
  });

  it("takes no text for an empty one that begins at the same byte", () => {
    const entries = ["", "praise", "", "blame"].map((value) => ({
      reply: replyOf(value),
      answer: { value },
    }));
    const sheet = opened(written(entries), originOf(4));
    expect(entries.map((_, place) => sheet?.at(place))).toEqual(
      entries.map(({ answer }) => answer),
    );
  });

  it("leaves in pieces where there is more than a little, and is none the less whole", () => {
    const entries = Array.from({ length: 500 }, (_, at) => {
      const value = `${String(at)} ${"x".repeat(2000)}`;
      return { reply: replyOf(value), answer: { value } };
    });
    const sheet = opened(written(entries), originOf(500));
    expect(entries.map((_, place) => sheet?.at(place))).toEqual(
      entries.map(({ answer }) => answer),
    );
  });

  it("holds a label that comes again once", () => {
    const label = { reply: replyOf("praise"), answer: { value: "praise" } };
    const one = written([label, label]).length;
    expect(written([...Array<Noted>(100).fill(label)]).length - one).toBe(98 * 13);
  });

  it("says nothing once any bit of it is another, or its end is gone", () => {
    const file = written([
      { reply: replyOf("one"), answer: { value: "one" } },
      { reply: null, answer: null },
    ]);
    expect(opened(file, originOf(2))).not.toBeNull();
    for (const at of file.keys()) {
      const damaged = Buffer.from(file);
      damaged[at] = (damaged[at] ?? 0) ^ 1;
      expect(opened(damaged, originOf(2)), String(at)).toBeNull();
      expect(opened(file.subarray(0, at), originOf(2)), String(at)).toBeNull();
    }
  });

  it("says nothing of other replies, nor on another reading", () => {
    const file = written([{ reply: replyOf("one"), answer: { value: "one" } }]);
    const { index } = originOf(1);
    const others: readonly Partial<SheetOrigin>[] = [
      { mark: "another" },
      { replyBytes: 11 },
      { index: { ...index, ordinals: Uint32Array.of(1) } },
      { index: { ...index, offsets: Float64Array.of(1) } },
      { index: { ...index, lengths: Uint32Array.of(8) } },
    ];
    for (const other of others) expect(opened(file, originOf(1, other))).toBeNull();
    expect(opened(file, originOf(2))).toBeNull();
  });
});
