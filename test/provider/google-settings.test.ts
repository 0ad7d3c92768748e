import { describe, expect, it } from "vitest";
import type { CallSettings, Tool } from "../../src/core/call-settings.ts";
import type { RequestSpec } from "../../src/core/request.ts";
import { generateSettings } from "../../src/provider/google-settings.ts";
import { spec } from "./support.ts";

const LABELS = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] } as const;
const TOOL: Tool = { name: "look_up", description: "Looks up.", parameters: { type: "object" } };

function settingsOf(settings: CallSettings, differing: Partial<RequestSpec> = {}): unknown {
  const asked = { ...spec(), model: "gemini-2.5-flash", settings, ...differing };
  return generateSettings(asked, "google");
}

describe("generateSettings", () => {
  it("says what the API calls the settings", () => {
    const settings: CallSettings = {
      ...{ maxTokens: 9, temperature: 1.5, topP: 0.9, seed: 7, stop: ["END"] },
      reasoning: { budgetTokens: 512 },
    };
    expect(settingsOf(settings)).toEqual({
      members: {},
      config: {
        ...{ maxOutputTokens: 9, temperature: 1.5, topP: 0.9, seed: 7, stopSequences: ["END"] },
        thinkingConfig: { thinkingBudget: 512 },
      },
    });
    expect(settingsOf({ stop: [] })).toEqual({ members: {}, config: {} });
  });

  it("declares functions, and chooses among them in the API's words", () => {
    const tools = [TOOL];
    const declared = [
      {
        functionDeclarations: [
          {
            name: "look_up",
            description: "Looks up.",
            parametersJsonSchema: { type: "object" },
          },
        ],
      },
    ];
    expect(settingsOf({ tools })).toEqual({ members: { tools: declared }, config: {} });
    const calling = (functionCallingConfig: unknown): unknown => ({
      members: { tools: declared, toolConfig: { functionCallingConfig } },
      config: {},
    });
    expect(settingsOf({ tools, toolChoice: "auto" })).toEqual(calling({ mode: "AUTO" }));
    expect(settingsOf({ tools, toolChoice: "required" })).toEqual(calling({ mode: "ANY" }));
    expect(settingsOf({ tools, toolChoice: "none" })).toEqual(calling({ mode: "NONE" }));
    expect(settingsOf({ tools, toolChoice: { tool: "look_up" } })).toEqual(
      calling({ mode: "ANY", allowedFunctionNames: ["look_up"] }),
    );
    expect(settingsOf({ toolChoice: "none" })).toEqual({ members: {}, config: {} });
  });

  it("names the cached content, and asks for a form as JSON", () => {
    const promptCache = { content: "cachedContents/1" };
    expect(settingsOf({}, { promptCache, form: LABELS })).toMatchObject({
      members: { cachedContent: "cachedContents/1" },
      config: {
        responseMimeType: "application/json",
        responseJsonSchema: { required: ["label"] },
      },
    });
  });

  it.each<[string, CallSettings, Partial<RequestSpec>, string]>([
    ["tools beside a form on 2.5", { tools: [TOOL] }, { form: LABELS }, "output_unsupported"],
    [
      "tools beside cached content",
      { tools: [TOOL] },
      { promptCache: { content: "cachedContents/1" } },
      "setting_unsupported",
    ],
    ["six texts to stop at", { stop: ["a", "b", "c", "d", "e", "f"] }, {}, "setting_unsupported"],
    ["a choice without tools", { toolChoice: "required" }, {}, "setting_unsupported"],
    [
      "no thinking on Pro",
      { reasoning: "none" },
      { model: "gemini-2.5-pro" },
      "setting_unsupported",
    ],
  ])("refuses %s", (_, settings, differing, code) => {
    expect(() => settingsOf(settings, differing)).toThrow(
      expect.objectContaining({
        code,
        message: expect.stringContaining("Nothing was sent.") as string,
      }),
    );
  });

  it("has tools beside a form from Gemini 3 on, and for names that do not tell", () => {
    for (const model of ["gemini-3-flash", "publishers/google/models/gemini-3.1-pro", "mine"])
      expect(settingsOf({ tools: [TOOL] }, { form: LABELS, model })).toMatchObject({
        members: { tools: [{}] },
        config: { responseMimeType: "application/json" },
      });
  });
});
