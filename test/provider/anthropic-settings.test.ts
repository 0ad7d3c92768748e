import { describe, expect, it } from "vitest";
import type { CallSettings, Tool, ToolChoice } from "../../src/core/call-settings.ts";
import type { RequestSpec } from "../../src/core/request.ts";
import { messageSettings } from "../../src/provider/anthropic-settings.ts";
import { spec } from "./support.ts";

const LABELS = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
const TOOL: Tool = { name: "look_up", description: "Looks up.", parameters: { type: "object" } };

function settingsOf(settings: CallSettings, differing: Partial<RequestSpec> = {}): unknown {
  return messageSettings({ ...spec(), model: "claude-haiku-4-5", settings, ...differing });
}

function refusal(settings: CallSettings, differing: Partial<RequestSpec> = {}): unknown {
  try {
    settingsOf(settings, differing);
  } catch (error) {
    expect(error).toHaveProperty("message", expect.stringContaining("Nothing was sent."));
    return Object(error) as unknown;
  }
  throw new Error("Nothing was refused.");
}

describe("messageSettings", () => {
  it("says what the API calls the settings", () => {
    const settings = { maxTokens: 9, temperature: 0.5, topP: 0.9, stop: ["END"] };
    expect(settingsOf(settings)).toEqual({
      max_tokens: 9,
      temperature: 0.5,
      top_p: 0.9,
      stop_sequences: ["END"],
    });
    expect(settingsOf({ stop: [] })).toEqual({ max_tokens: 1024 });
  });

  it("declares tools, and chooses among them in the API's words", () => {
    const tools = [TOOL];
    const declared = [
      { name: "look_up", description: "Looks up.", input_schema: { type: "object" } },
    ];
    expect(settingsOf({ tools })).toEqual({ max_tokens: 1024, tools: declared });
    const choiceOf = (toolChoice: ToolChoice): unknown =>
      (settingsOf({ tools, toolChoice }) as { tool_choice: unknown }).tool_choice;
    expect(choiceOf("auto")).toEqual({ type: "auto" });
    expect(choiceOf("required")).toEqual({ type: "any" });
    expect(choiceOf("none")).toEqual({ type: "none" });
    expect(choiceOf({ tool: "look_up" })).toEqual({ type: "tool", name: "look_up" });
  });

  it("marks the last tool for the cache, and no other", () => {
    const promptCache = { tools: true, ttl: "1h" } as const;
    const tools = [TOOL, { ...TOOL, name: "other" }];
    const { tools: declared } = Object(settingsOf({ tools }, { promptCache })) as {
      tools: readonly object[];
    };
    expect(declared[0]).not.toHaveProperty("cache_control");
    expect(declared[1]).toHaveProperty("cache_control", { type: "ephemeral", ttl: "1h" });
  });

  it.each([
    ["claude-sonnet-4-5", true],
    ["claude-opus-5", true],
    ["claude-mythos-preview", true],
    ["a-gateways-alias", true],
    ["claude-opus-4-1-20250805", false],
    ["claude-sonnet-4-20250514", false],
    ["claude-3-5-haiku-20241022", false],
  ])("asks %s for a form by a format: %s; else by a tool it must call", (model, isFormat) => {
    const asked = settingsOf({}, { form: LABELS, model });
    const schema = expect.objectContaining({ required: ["label"] }) as unknown;
    if (isFormat)
      expect(asked).toEqual({
        max_tokens: 1024,
        output_config: { format: { type: "json_schema", schema } },
      });
    else
      expect(asked).toEqual({
        max_tokens: 1024,
        tools: [{ name: "answer", description: "Gives the answer.", input_schema: schema }],
        tool_choice: { type: "tool", name: "answer", disable_parallel_tool_use: true },
      });
  });

  it("has a form beside effort and tools where there is a format for it", () => {
    const settings = { tools: [TOOL], reasoning: "low" } as const;
    expect(settingsOf(settings, { form: LABELS, model: "claude-opus-5" })).toMatchObject({
      output_config: { effort: "low", format: { type: "json_schema" } },
      tools: [{ name: "look_up" }],
    });
  });

  it.each<[string, CallSettings, Partial<RequestSpec>, string]>([
    ["temperature", { temperature: 1 }, { model: "claude-opus-4-7" }, "temperature"],
    ["topP", { topP: 1 }, { model: "claude-sonnet-5" }, "topP"],
    ["a temperature above 1", { temperature: 1.5 }, {}, "0 to 1"],
    ["a temperature while it thinks", { temperature: 0, reasoning: "low" }, {}, "temperature"],
    ["a low topP while it thinks", { topP: 0.9, reasoning: "low" }, {}, "0.95"],
    ["a cap within the budget", { maxTokens: 2048, reasoning: { budgetTokens: 2048 } }, {}, "2048"],
    [
      "a cap in the params within the budget",
      { reasoning: "low" },
      { params: { max_tokens: 1000 } },
      "1000",
    ],
    [
      "a forced tool while it thinks",
      { tools: [TOOL], toolChoice: "required", reasoning: "low" },
      {},
      "toolChoice",
    ],
    ["a tool named answer", { tools: [{ ...TOOL, name: "answer" }] }, {}, "answer"],
    ["a choice without tools", { toolChoice: "auto" }, {}, "toolChoice"],
  ])("refuses %s", (_, settings, differing, word) => {
    expect(refusal(settings, differing)).toMatchObject({
      code: "setting_unsupported",
      message: expect.stringContaining(word) as string,
    });
  });

  it.each<[string, CallSettings]>([
    ["tools", { tools: [TOOL] }],
    ["reasoning", { reasoning: "low" }],
  ])("refuses %s beside a form where the form is a forced tool", (word, settings) => {
    const model = "claude-3-7-sonnet-20250219";
    expect(refusal(settings, { model, form: LABELS })).toMatchObject({
      code: "output_unsupported",
      message: expect.stringContaining(word) as string,
    });
  });
});
