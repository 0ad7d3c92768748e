/** Every way to say what answers may be, with what an answer then stands for. */

import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as valibot from "valibot";
import * as z from "zod";
import type { JsonObject } from "../../src/core/hash.ts";
import type { OutputOption } from "../../src/output/form.ts";

/** One way to say what answers may be. */
export interface SchemaForm {
  readonly output: OutputOption;
  /** The value that an answer, as the model wrote it, stands for. */
  readonly meant: (said: JsonObject) => unknown;
  /** Fields of several types, whose columns hold JSON. */
  readonly asJson?: readonly string[];
}

/** An object whose optional members are absent where they are null: some services demand every member. */
function without(...optional: readonly string[]): (said: JsonObject) => JsonObject {
  return (said) =>
    Object.fromEntries(
      Object.entries(said).filter(([name, value]) => value !== null || !optional.includes(name)),
    );
}

const NESTED = {
  type: "object",
  properties: {
    party: { $ref: "#/$defs/party" },
    lines: {
      type: "array",
      items: {
        type: "object",
        properties: {
          sku: { type: "string" },
          count: { type: "integer", minimum: 0 },
          price: { type: ["number", "null"] },
        },
        required: ["sku", "count", "price"],
        additionalProperties: false,
      },
      minItems: 1,
    },
    due: { type: "string", format: "date" },
    kind: { anyOf: [{ type: "string", enum: ["a", "b"] }, { type: "integer" }, { type: "null" }] },
    note: { type: "string" },
  },
  required: ["party", "lines", "due", "kind"],
  additionalProperties: false,
  $defs: {
    party: {
      type: "object",
      properties: { name: { type: "string" }, isCompany: { type: "boolean" } },
      required: ["name", "isCompany"],
      additionalProperties: false,
    },
  },
};

const OF_ZOD = z.object({
  name: z.string().min(1),
  length: z
    .string()
    .transform((text) => text.length)
    .pipe(z.int()),
  code: z.string().regex(/^[A-Z]{2}\d{1,3}$/),
  score: z.int().min(1).max(5),
  amount: z.number().min(0.5).max(100),
  tags: z.array(z.enum(["x", "y"])).max(3),
  when: z.iso.date(),
  inner: z.object({ flag: z.boolean() }).nullable(),
  note: z.string().optional(),
});

const OF_VALIBOT = toStandardJsonSchema(
  valibot.object({
    kind: valibot.picklist(["a", "b"]),
    n: valibot.pipe(valibot.number(), valibot.integer(), valibot.minValue(0)),
    scores: valibot.array(valibot.number()),
    note: valibot.optional(valibot.string()),
  }),
);

const OF_ARKTYPE = type({
  kind: "'a'|'b'",
  size: "number|null",
  inner: { flag: "boolean", tags: "string[]" },
  "note?": "string",
});

const LABELS = ["red", "green", "dark blue"] as const;

/** The forms, by name. */
export const SCHEMA_FORMS: Readonly<Record<string, SchemaForm>> = {
  labels: { output: { labels: LABELS }, meant: ({ label }) => label },
  "described labels": {
    output: { labels: { good: "praise of any kind", bad: "anything else" } },
    meant: ({ label }) => label,
  },
  "several labels": {
    output: { labels: LABELS, multi: true },
    meant: ({ labels }) => LABELS.filter((label) => (labels as readonly string[]).includes(label)),
  },
  "labels or another": {
    output: { labels: LABELS, allowOther: true },
    meant: ({ label }) => label,
  },
  zod: {
    output: OF_ZOD,
    meant: (said) => ({ ...without("note")(said), length: (said["length"] as string).length }),
  },
  valibot: { output: OF_VALIBOT, meant: without("note") },
  arktype: { output: OF_ARKTYPE, meant: without("note") },
  "JSON Schema": { output: { jsonSchema: NESTED }, meant: without("note"), asJson: ["kind"] },
  "the short form": {
    output:
      "topic: billing|bug|other, score: float, count: int, on: date, quote?: str, tags: str[]",
    meant: without("quote"),
  },
  "a list at the root": {
    output: { jsonSchema: { type: "array", items: { type: "integer" } } },
    meant: ({ answer }) => answer,
  },
  "a union at the root": {
    output: z.union([
      z.object({ kind: z.literal("a"), ok: z.boolean() }),
      z.object({ kind: z.literal("b"), why: z.string() }),
    ]),
    meant: ({ answer }) => answer,
  },
};
