import type { Emulator } from "../../src/emulator/emulator.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import { schemasContract } from "../contract/schemas.ts";

const apiKey = "sk-schemas-0123456789";

const at =
  (provider: "anthropic" | "google", model: string) =>
  ({ urls }: Emulator): ModelSpec => ({ provider, model, baseUrl: urls[provider], apiKey });

for (const endpoint of ["chat", "responses"] as const)
  schemasContract(
    `openai over ${endpoint}`,
    ({ url }) => ({ provider: "openai", model: "m", baseUrl: url, apiKey, endpoint }),
    { isHeld: true },
  );
schemasContract("google", at("google", "gemini-2.5-flash"), { isHeld: true, takesMaps: true });
schemasContract("anthropic", at("anthropic", "claude-haiku-4-5"), { isHeld: true });
schemasContract("anthropic's older models", at("anthropic", "claude-3-5-haiku-20241022"), {
  isHeld: true,
  isTool: true,
});
schemasContract(
  "vertex",
  ({ urls }) => ({ provider: "vertex", model: "gemini-2.5-flash", baseUrl: urls.vertex }),
  { isHeld: true },
);
