import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { HOSTS } from "../../src/provider/hosts.ts";
import type { ChatDialect } from "../../src/provider/openai-dialect.ts";

const page = readFileSync(new URL("../../docs/providers.md", import.meta.url), "utf8");
const rowsOf = (id: string): readonly (readonly string[])[] =>
  page
    .split("\n")
    .filter((line) => line.startsWith(`| \`${id}\``))
    .map((line) => line.split("|").map((cell) => cell.trim()));

describe.each([...HOSTS.values()].map((host) => [host.id, host] as const))("%s", (id, host) => {
  const [facts = [], carried = []] = rowsOf(id);

  it("has the key, the address and the limits that its documentation tells", () => {
    const [, , key = "", address = "", requests, bytes] = facts;
    expect(key).toContain(`\`${host.keyVariable}\``);
    expect(key.includes("if any")).toBe(!host.keyNeeded);
    for (const variable of host.baseUrlVariables) expect(address).toContain(`\`${variable}\``);
    const { maxRequestsPerBatch, maxBytesPerBatch } = host.limits;
    expect(requests).toBe(maxRequestsPerBatch.toLocaleString("en"));
    expect(bytes).toBe(`${String(maxBytesPerBatch / 1_000_000)} MB`);
  });

  it("carries what its documentation tells", () => {
    const { dialect } = host;
    const yes = (holds: boolean): string => (holds ? "yes" : "no");
    expect(carried.slice(2, -1)).toEqual([
      "yes",
      yes(dialect.responses),
      yes(dialect.embeddings !== null),
      schemaWords(dialect),
      yes(dialect.images),
      yes(dialect.settings.has("reasoning")),
      yes(dialect.promptCacheKey),
    ]);
    for (const setting of ["tools", "temperature", "topP", "stop"] as const)
      expect(dialect.settings.has(setting)).toBe(true);
  });

  it("is named alike everywhere, and looked at no more than twice a minute", () => {
    expect(host.dialect.provider).toBe(id);
    expect(host.limits.maxBytesPerRequest).toBeLessThanOrEqual(host.limits.maxBytesPerBatch);
    expect(host.pollEveryMs).toBeGreaterThanOrEqual(30_000);
  });
});

/** How the documentation tells what a host makes of a schema. */
function schemaWords({ structured, schemas }: ChatDialect): string {
  if (structured !== "json_schema") return "told, JSON mode";
  return schemas.isEnforced ? "strict" : "json_schema";
}
