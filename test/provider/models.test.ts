import { describe, expect, it, vi } from "vitest";
import { addressOf, keyVariables, openModel, resolveModel } from "../../src/provider/models.ts";
import { HOSTS } from "../../src/provider/hosts.ts";

describe("openModel", () => {
  it("takes the key from the variable that is named", async () => {
    vi.stubEnv("MY_KEY", "");
    const spec = { provider: "openai", model: "m", apiKeyEnv: "MY_KEY" };
    await expect(openModel(spec)).rejects.toMatchObject({
      code: "missing_key",
      message:
        "openai needs a key in the environment variable MY_KEY, which is not set. Nothing was sent.",
    });
    vi.stubEnv("MY_KEY", "sk-of-mine");
    await (await openModel(spec)).provider.close();
    vi.unstubAllEnvs();
  });

  it("finds the provider of a name that stands alone", async () => {
    vi.stubEnv("OPENAI_API_KEY", "sk-test-0123456789");
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    const { provider, model } = await openModel("gpt-5-mini");
    expect(provider).toMatchObject({ id: "openai", host: "127.0.0.1:9" });
    expect(model).toBe("gpt-5-mini");
  });

  it.each([...HOSTS.keys()].filter((id) => id !== "compatible" && id !== "regolo"))(
    "opens %s, whose model may hold slashes",
    async (id) => {
      const spec = { provider: id, model: "a/b", baseUrl: "http://127.0.0.1:9/v1", apiKey: "key" };
      const { provider, model } = await openModel(spec);
      expect(provider.id).toBe(id);
      expect(model).toBe("a/b");
    },
  );

  it("says why Fireworks is not there, and what can be used instead", async () => {
    const opened = openModel("fireworks/accounts/me/models/llama");
    await expect(opened).rejects.toMatchObject({
      code: "provider_unsupported",
      hint: expect.stringContaining("compatible/accounts/me/models/llama") as string,
    });
  });

  it.each(["anthropic", "google", "groq", "embedded"])(
    "has no responses endpoint to ask %s at",
    async (provider) => {
      const spec = { provider, model: "use-lite", apiKey: "key", endpoint: "responses" } as const;
      await expect(openModel(spec)).rejects.toMatchObject({ code: "option_unsupported" });
    },
  );

  it("refuses a provider that does not exist, however it is named", async () => {
    const spec = { provider: "opnai", model: "m" };
    await expect(openModel(spec)).rejects.toMatchObject({ code: "unknown_provider" });
    await expect(openModel("opnai/m")).rejects.toMatchObject({ code: "unknown_provider" });
  });
});

it("names every provider's key once", () => {
  const variables = keyVariables().map(([variable]) => variable);
  expect(variables).toEqual([...new Set(variables)].toSorted());
  expect(keyVariables()).toContainEqual(["AZURE_OPENAI_API_KEY", "azure"]);
  expect(keyVariables()).toContainEqual(["GEMINI_API_KEY", "google"]);
  expect(variables).not.toContain("COMPATIBLE_API_KEY");
});

it("a model's name is taken apart without opening anything", () => {
  expect(resolveModel("groq/meta/llama")).toEqual({ provider: "groq", model: "meta/llama" });
});

describe("addressOf", () => {
  it("is what was given, else what the environment names", () => {
    vi.stubEnv("GROQ_BASE_URL", "http://127.0.0.1:7/groq");
    vi.stubEnv("GOOGLE_GEMINI_BASE_URL", "http://127.0.0.1:7/google");
    expect(addressOf("groq/m")).toBe("http://127.0.0.1:7/groq");
    expect(addressOf("google/m")).toBe("http://127.0.0.1:7/google");
    expect(addressOf({ provider: "groq", model: "m", baseUrl: "http://x/v1" })).toBe("http://x/v1");
    expect(addressOf("mistral/m")).toBeNull();
    expect(addressOf("embedded/use-lite")).toBeNull();
    vi.unstubAllEnvs();
  });

  it("leaves alone an environment's address that may hold a secret", () => {
    for (const address of ["http://me:pw@h/v1", "http://h/v1?key=sk", "http://pw@h/v1"]) {
      vi.stubEnv("GROQ_BASE_URL", address);
      expect(addressOf("groq/m")).toBeNull();
    }
    vi.unstubAllEnvs();
  });
});
