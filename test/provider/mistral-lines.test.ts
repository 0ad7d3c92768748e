import { expect, it } from "vitest";
import { HOSTS } from "../../src/provider/hosts.ts";
import { hostProvider } from "../../src/provider/openai-host.ts";
import { request, spec } from "./support.ts";

function encoded(differing: Parameters<typeof request>[1]): unknown {
  const profile = HOSTS.get("mistral");
  if (profile === undefined) throw new Error("There is no Mistral.");
  const options = { apiKey: "k", baseUrl: "http://127.0.0.1:9/v1", model: "m" };
  return JSON.parse(hostProvider(profile, options).encode(request("hello", differing), "r-1-0"));
}

it("a line names no model, and its seed as Mistral calls it", () => {
  const settings = { seed: 7, maxTokens: 9, temperature: 0 };
  expect(encoded({ settings })).toEqual({
    custom_id: "r-1-0",
    body: {
      messages: [{ role: "user", content: "hello" }],
      max_tokens: 9,
      temperature: 0,
      random_seed: 7,
    },
  });
});

it("an embedding's length is asked for under Mistral's name", () => {
  const form = { kind: "embedding", dimensions: 256 } as const;
  expect(encoded(spec(form))).toEqual({
    custom_id: "r-1-0",
    body: { input: "hello", output_dimension: 256, encoding_format: "float" },
  });
});
