import { describe, expect, it } from "vitest";
import { callsOf, drawnCall, toolDemanded, toolsAsked } from "../../src/emulator/tools-asked.ts";
import type { JsonObject } from "../../src/emulator/json.ts";

const schema = {
  type: "object",
  properties: { label: { type: "string", enum: ["a", "b"] } },
  required: ["label"],
};
const named = (name: string): JsonObject => ({ name, parameters: schema });
const CHAT = { tools: ["one", "two"].map((name) => ({ type: "function", function: named(name) })) };
const RESPONSES = { tools: ["one", "two"].map((name) => ({ type: "function", ...named(name) })) };
const ANTHROPIC = { tools: ["one", "two"].map((name) => ({ name, input_schema: schema })) };

describe("the tools of a request", () => {
  it.each([
    ["chat completions", CHAT],
    ["responses", RESPONSES],
    ["messages", ANTHROPIC],
  ])("are read from %s", (_, body) => {
    expect(toolsAsked(body)).toEqual([
      { name: "one", schema },
      { name: "two", schema },
    ]);
  });

  it.each<[string, JsonObject, unknown]>([
    ["any in chat completions", CHAT, "required"],
    ["any in messages", ANTHROPIC, { type: "any" }],
  ])("of which %s must be called are answered by the first", (_, body, choice) => {
    expect(toolDemanded({ ...body, tool_choice: choice })?.name).toBe("one");
  });

  it.each<[string, JsonObject, unknown]>([
    ["chat completions", CHAT, { type: "function", function: { name: "two" } }],
    ["responses", RESPONSES, { type: "function", name: "two" }],
    ["messages", ANTHROPIC, { type: "tool", name: "two" }],
  ])("of which one must be called are answered by it in %s", (_, body, choice) => {
    expect(toolDemanded({ ...body, tool_choice: choice })?.name).toBe("two");
  });

  it.each([undefined, "auto", "none", { type: "auto" }, { type: "tool", name: "three" }])(
    "need not be called when the choice is %j",
    (choice) => {
      expect(toolDemanded({ ...ANTHROPIC, tool_choice: choice })).toBeNull();
    },
  );
});

describe("the calls of an answer", () => {
  const body = { ...ANTHROPIC, tool_choice: { type: "tool", name: "two" } };

  it("are its own", () => {
    const toolCalls = [{ name: "one", arguments: {} }];
    expect(callsOf({ content: "x", toolCalls }, body)).toBe(toolCalls);
    expect(callsOf({ content: "x", toolCalls }, ANTHROPIC)).toBe(toolCalls);
  });

  it("are else of the tool that must be called, with its text for arguments", () => {
    expect(callsOf({ content: '{"label":"a"}' }, body)).toEqual([
      { name: "two", arguments: { label: "a" } },
    ]);
    expect(callsOf({ content: "Sure!" }, body)).toEqual([{ name: "two", arguments: "Sure!" }]);
    expect(callsOf({ content: '{"label":"a"}' }, ANTHROPIC)).toEqual([]);
    expect(callsOf({ content: null }, body)).toEqual([]);
    expect(callsOf({ content: "x", refusal: "No." }, body)).toEqual([]);
  });

  it("may be drawn from the schema, alike for the same seed and text", () => {
    const tool = { name: "one", schema };
    const call = drawnCall(tool, 5, "text");
    expect(call).toEqual({
      name: "one",
      arguments: { label: expect.stringMatching(/^[ab]$/) as string },
    });
    expect(drawnCall(tool, 5, "text")).toEqual(call);
    expect(drawnCall({ name: "one", schema: undefined }, 5, "text").arguments).toEqual({});
  });
});
