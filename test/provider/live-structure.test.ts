import { describe, expect, it } from "vitest";
import {
  blamesStructure,
  restructured,
  schemaAsked,
  weaker,
} from "../../src/provider/live-structure.ts";

const schema = { type: "object", properties: { label: { enum: ["a"] } } };
const response_format = { type: "json_schema", json_schema: { name: "answer", schema } };
const user = { role: "user", content: "Which?" };
const body = { model: "m", messages: [user], response_format };

describe("a weaker way to ask for structure", () => {
  it("is any JSON object, then words alone, then nothing", () => {
    expect(weaker("json_schema")).toBe("json_object");
    expect(weaker("json_object")).toBe("prompt");
    expect(weaker("prompt")).toBeNull();
  });

  it("tells the schema in a system message, its own or the one that is there", () => {
    const asObject = restructured(body, "json_object");
    expect(asObject).toMatchObject({ response_format: { type: "json_object" } });
    const [system, ...others] = asObject["messages"] as { role: string; content: string }[];
    expect(system?.role).toBe("system");
    expect(system?.content).toContain(JSON.stringify(schema));
    expect(others).toEqual([user]);
    const messages = [{ role: "system", content: "Be brief." }, user];
    const asWords = restructured({ ...body, messages }, "prompt");
    expect(asWords).not.toHaveProperty("response_format");
    const [kept, ...rest] = asWords["messages"] as { content: string }[];
    expect(kept?.content).toMatch(/^Be brief\.\n\n/);
    expect(kept?.content).toContain(JSON.stringify(schema));
    expect(rest).toEqual([user]);
  });

  it("leaves what asks for no schema as it is", () => {
    const plain = { model: "m", messages: [user] };
    expect(schemaAsked(plain)).toBeNull();
    expect(restructured(plain, "prompt")).toBe(plain);
    expect(restructured(body, "json_schema")).toBe(body);
  });
});

describe("a refusal", () => {
  it.each([
    ["'response_format.type' must be 'json_schema' or 'text'", true],
    ["Unrecognized request argument: responseFormat", true],
    ["failed to parse grammar", true],
    ["json_schema is not supported by this model", true],
    ["This model's maximum context length is 4096 tokens.", false],
    ["Invalid image.", false],
  ])("that says %j blames structured output: %s", (words, isBlamed) => {
    expect(blamesStructure(words)).toBe(isBlamed);
  });
});
