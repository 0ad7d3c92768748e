import type { Emulator } from "../../src/emulator/emulator.ts";
import type { ModelSpec } from "../../src/provider/models.ts";
import { schemasContract } from "../contract/schemas.ts";

const apiKey = "sk-schemas-0123456789";

const HOSTS = [
  ...(["azure", "together", "parasail", "doubleword", "mistral"] as const),
  // One is told the schema in the prompt; of the other nothing is known.
  ...(["groq", "regolo"] as const),
];

for (const host of HOSTS)
  schemasContract(
    host,
    ({ urls }) => ({ provider: host, model: "m", baseUrl: urls[host], apiKey }),
    { isHeld: host !== "groq" && host !== "regolo", takesMaps: host === "groq" },
  );

const elsewhere =
  (provider: string, baseUrl: (emulator: Emulator) => string) =>
  (emulator: Emulator): ModelSpec => ({
    ...{ provider, model: "m", baseUrl: baseUrl(emulator) },
    ...(provider === "ollama" ? {} : { apiKey }),
  });

const NOT_HELD = { isHeld: false };
schemasContract(
  "compatible",
  elsewhere("compatible", ({ url }) => url),
  NOT_HELD,
);
schemasContract(
  "compatible, asked live",
  elsewhere("compatible", ({ urls }) => urls.plain),
  NOT_HELD,
);
schemasContract(
  "ollama",
  elsewhere("ollama", ({ urls }) => urls.plain),
  NOT_HELD,
);
