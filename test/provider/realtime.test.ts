import { describe, expect, it } from "vitest";
import { PROOFS } from "../contract/providers.ts";
import { proveRealtime } from "../contract/prove.ts";
import { request } from "./support.ts";

const LANES = PROOFS.filter(({ batches }) => batches !== null);

for (const { name } of LANES) proveRealtime(name);
proveRealtime("openai over responses");
proveRealtime("compatible, asked live");

describe("both lanes of a provider", () => {
  it.each(LANES)("ask and read in the same lines: $name", async ({ connect }) => {
    const { provider, service } = await connect({ seed: 1 });
    try {
      const asked = request("text");
      const line = provider.encode(asked, "rabcdefg-1-0");
      expect(provider.live?.encode(asked, "rabcdefg-1-0")).toBe(line);
      expect(provider.live?.schemaDialect).toEqual(provider.schemaDialect);
      expect(provider.live?.free).toBe(provider.free);
    } finally {
      await provider.close();
      await service.close();
    }
  });
});
