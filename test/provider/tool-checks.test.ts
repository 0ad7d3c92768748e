import { describe, expect, it } from "vitest";
import type { CallSettings } from "../../src/core/call-settings.ts";
import { checkTools } from "../../src/provider/tool-checks.ts";

const tool = (name: string): NonNullable<CallSettings["tools"]>[number] => ({
  name,
  parameters: { type: "object" },
});

describe("checkTools", () => {
  it.each<CallSettings>([
    {},
    { toolChoice: "none" },
    { tools: [tool("a"), tool("b-C_9")] },
    { tools: [tool("a")], toolChoice: "required" },
    { tools: [tool("a"), tool("b")], toolChoice: { tool: "b" } },
  ])("lets %j pass", (settings) => {
    expect(() => {
      checkTools(settings);
    }).not.toThrow();
  });

  it.each<[string, CallSettings]>([
    ["a choice without tools", { toolChoice: "auto" }],
    ["a choice among no tools", { tools: [], toolChoice: "required" }],
    ["a choice of none of them", { tools: [tool("a")], toolChoice: { tool: "b" } }],
    ["a name twice", { tools: [tool("a"), tool("a")] }],
    ["a name with a space", { tools: [tool("look up")] }],
    ["a name too long", { tools: [tool("x".repeat(65))] }],
    ["no name", { tools: [tool("")] }],
  ])("refuses %s, and says that nothing was sent", (_, settings) => {
    expect(() => {
      checkTools(settings);
    }).toThrow(
      expect.objectContaining({
        code: "setting_unsupported",
        message: expect.stringContaining("Nothing was sent.") as string,
      }),
    );
  });
});
