/** What a row may carry or be answered with, each with a request that does so. */

import assert from "node:assert/strict";
import type { Request } from "../core/request.ts";
import type { Result } from "../core/result.ts";
import { echo, type Answerer } from "../emulator/emulator.ts";

/** Something a row may carry, or be answered with. */
export type Cargo =
  | "text"
  | "labels"
  | "object"
  | "tools"
  | "toolChoice"
  | "imageBytes"
  | "imageUrl"
  | "fileBytes"
  | "fileUrl"
  | "embedding"
  | "reasoning"
  | "cacheKey"
  | "cacheMarks"
  | "cachedContent";

type Succeeded = Extract<Result, { status: "succeeded" }>;

/** A request that carries something, and what its answer then is. */
export interface Loaded {
  readonly differing: Partial<Request>;
  /** Throws where the answer shows that it was not carried; `isTold` where it is {@link answerAsTold}'s. */
  readonly holds: (result: Succeeded, isTold: boolean) => void;
}

const PNG =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF = Buffer.from("%PDF-1.4\n%%EOF\n").toString("base64");
const QUESTION = { type: "text", text: "What is this?" } as const;

const LABELS = ["red", "blue"] as const;

/** The labels that a provider chooses from when it cannot write. */
export const COLOURS = {
  kind: "labels",
  labels: [{ name: LABELS[0], description: "warm" }, { name: LABELS[1] }],
} as const;

const VERDICT = {
  type: "object",
  properties: { verdict: { type: "string" }, isFinal: { type: "boolean" } },
  required: ["verdict", "isFinal"],
  additionalProperties: false,
} as const;
const FINAL = { verdict: "fine", isFinal: true };

const TOOL = {
  name: "look_up",
  description: "Looks a city up.",
  parameters: {
    type: "object",
    properties: { city: { type: "string" } },
    required: ["city"],
    additionalProperties: false,
  },
} as const;

const CALL = { name: TOOL.name, arguments: { city: "Rome" } };

/** Answers with the call, the label or the object that was told, in whatever way, and else with what was said. */
export const answerAsTold: Answerer = (request) => {
  const told = JSON.stringify(request.body);
  if (told.includes(TOOL.name)) return { content: null, toolCalls: [CALL] };
  if (told.includes("isFinal")) return { content: JSON.stringify(FINAL) };
  return LABELS.every((name) => told.includes(name))
    ? { content: JSON.stringify({ label: LABELS[1] }) }
    : echo({ seed: 3 })(request);
};

/** What differs in a request with each cargo; `cachedContent` is the name of one made beforehand. */
export function loaded(cargo: Cargo, cachedContent: string): Loaded {
  switch (cargo) {
    case "text":
      return saying({}, "text");
    case "labels":
      return { differing: { form: COLOURS }, holds: isLabel };
    case "object":
      return giving({ form: { kind: "object", schema: VERDICT } }, FINAL);
    case "tools":
      return { differing: { settings: { tools: [TOOL] } }, holds: isCall };
    case "toolChoice":
      return {
        differing: { settings: { tools: [TOOL], toolChoice: { tool: TOOL.name } } },
        holds: isCall,
      };
    case "imageBytes":
      return showing({ type: "image", data: PNG, mediaType: "image/png" });
    case "imageUrl":
      return showing({ type: "image", url: "https://example.com/a.png" });
    case "fileBytes":
      return showing({ type: "file", data: PDF, mediaType: "application/pdf" });
    case "fileUrl":
      return showing({ type: "file", url: "https://example.com/a.pdf" });
    case "embedding":
      return { differing: { form: { kind: "embedding", dimensions: 8 } }, holds: isUnitVector };
    case "reasoning":
      return saying({ settings: { reasoning: "low", maxTokens: 4096 } }, "text");
    case "cacheKey":
      return saying({ promptCache: { key: "these-rows" } }, "text");
    case "cacheMarks":
      return saying({ promptCache: { lastUserMessages: 1, ttl: "1h" } }, "text");
    case "cachedContent":
      return saying({ promptCache: { content: cachedContent } }, "text");
  }
}

function saying(differing: Partial<Request>, expected: string): Loaded {
  return {
    differing,
    holds: ({ text }) => {
      assert.equal(text, expected);
    },
  };
}

function giving(differing: Partial<Request>, value: object): Loaded {
  return {
    differing,
    holds: ({ text }) => {
      assert.deepEqual(JSON.parse(text), value);
    },
  };
}

function isLabel({ text }: Succeeded, isTold: boolean): void {
  const answer = JSON.parse(text) as { readonly label: string };
  const [, blue] = LABELS;
  if (isTold) assert.deepEqual(answer, { label: blue });
  else assert((LABELS as readonly string[]).includes(answer.label), text);
}

type Attached = Exclude<
  Extract<Request["messages"][number]["content"], readonly unknown[]>[number],
  typeof QUESTION
>;

function showing(part: Attached): Loaded {
  return saying({ messages: [{ role: "user", content: [part, QUESTION] }] }, QUESTION.text);
}

function isCall({ text, toolCalls }: Succeeded): void {
  assert.equal(text, "");
  assert.deepEqual(toolCalls, [CALL]);
}

function isUnitVector({ embedding, usage }: Succeeded): void {
  assert.equal(embedding?.length, 8);
  const length = Math.hypot(...embedding);
  assert(Math.abs(length - 1) < 0.005, `The vector's length is ${String(length)}.`);
  assert.equal(usage?.outputTokens, 0);
  assert(usage.inputTokens > 0, "An embedding that used no tokens.");
}
