import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { namedModel } from "../../src/provider/model-names.ts";

const PROVIDERS = ["openai", "anthropic", "google", "mistral", "groq", "embedded", "compatible"];

function refusal(name: string): InputError {
  try {
    namedModel(name, PROVIDERS);
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error(`${name} was not refused.`);
}

describe("namedModel", () => {
  it("splits at the first slash, and leaves the model's own slashes alone", () => {
    fc.assert(
      fc.property(fc.constantFrom(...PROVIDERS), fc.string({ minLength: 1 }), (provider, model) => {
        expect(namedModel(`${provider}/${model}`, PROVIDERS)).toEqual({ provider, model });
      }),
    );
  });

  it.each([
    ["gpt-5-mini", "openai"],
    ["ft:gpt-4o-mini:me::x1", "openai"],
    ["chatgpt-4o-latest", "openai"],
    ["o3", "openai"],
    ["o4-mini", "openai"],
    ["text-embedding-3-small", "openai"],
    ["text-embedding-ada-002", "openai"],
    ["claude-haiku-4-5", "anthropic"],
    ["gemini-2.5-flash", "google"],
    ["mistral-small-latest", "mistral"],
    ["ministral-8b-latest", "mistral"],
    ["codestral-2508", "mistral"],
    ["use-lite", "embedded"],
  ])("knows whose %s is: %s's", (model, provider) => {
    expect(namedModel(model, PROVIDERS)).toEqual({ provider, model });
  });

  it.each([
    "gpt-oss-120b",
    "text-embedding-004",
    "llama3.2",
    "o",
    "opus",
    "",
    "/",
    "a/",
    "/b",
    " ",
  ])("leaves it to the user whose %j is", (name) => {
    expect(refusal(name)).toMatchObject({ code: "unknown_model" });
  });

  it("offers the hosts that open weights may be at", () => {
    const { code, message, hint } = refusal("meta-llama/Meta-Llama-3-8B-Instruct");
    expect(code).toBe("unknown_model");
    expect(message).toContain('"meta-llama" is none');
    for (const provider of ["parasail", "together", "groq", "compatible"])
      expect(hint).toContain(`"${provider}/meta-llama/Meta-Llama-3-8B-Instruct"`);
    expect(refusal("llama3.2").hint).toContain('"groq/llama3.2"');
  });

  it("takes a slip in a provider's name for one", () => {
    expect(refusal("opnai/gpt-5")).toMatchObject({
      code: "unknown_provider",
      hint: expect.stringContaining('"openai"') as string,
    });
    expect(refusal("groq").hint).toContain("groq/MODEL");
  });
});
