import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { HOSTS } from "../../src/provider/hosts.ts";
import { providerTable, TABLE_BEGINS, TABLE_ENDS, withTable } from "../contract/provider-table.ts";
import { PROOFS } from "../contract/providers.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const page = readFileSync(join(root, "README.md"), "utf8");

describe("the table of providers", () => {
  it("in README.md is what the contract suite declares; node scripts/provider-table.ts writes it", () => {
    expect(page).toContain(`${TABLE_BEGINS}\n\n${providerTable(PROOFS)}\n\n${TABLE_ENDS}`);
  });

  it("has a line for every provider that can be reached over HTTP, and for the embedded one", () => {
    const others = ["anthropic", "google", "vertex", "ollama", "embedded"];
    const proved = new Set(PROOFS.map(({ provider }) => provider));
    expect([...proved].toSorted()).toEqual([...HOSTS.keys(), ...others].toSorted());
    expect(providerTable(PROOFS).split("\n")).toHaveLength(proved.size + 2);
  });

  it("says only what a test proves: every declaration is run by a test file", () => {
    const folder = join(root, "test", "provider");
    const files = readdirSync(folder).filter((name) => name.endsWith(".test.ts"));
    const texts = files.map((name) => readFileSync(join(folder, name), "utf8"));
    const runs = (call: string, name: string): boolean =>
      texts.some((text) => text.includes(`${call}(`) && text.includes(`"${name}"`));
    for (const { name, batches, rows } of PROOFS) {
      if (batches !== null) expect(runs("proveBatches", name), `${name}, batches`).toBe(true);
      if (rows !== null) expect(runs("proveRows", name), `${name}, rows`).toBe(true);
    }
  });

  it("tells the weakest of several ways to be asked, and the most that any of them carries", () => {
    const [openai] = PROOFS;
    if (openai === undefined) throw new Error("Nothing is proved.");
    const rows = { carries: ["text", "object", "fileBytes"], holdsSchemas: true } as const;
    const text = providerTable([
      { ...openai, batches: { tagged: false, keepsPartial: false }, rows },
      { ...openai, batches: null, rows: { carries: ["imageBytes"], holdsSchemas: false } },
    ]);
    expect(text.split("\n").at(-1)?.replaceAll(/ +/g, " ")).toBe(
      "| `openai` | by their ids | – | checked | – | bytes | bytes | – | – | – | – |",
    );
  });

  it("leaves the rest of a page as it is, and does not invent a place", () => {
    const given = `a\n${TABLE_BEGINS}\nold\n${TABLE_ENDS}\nb\n`;
    expect(withTable(given, "| new |")).toBe(`a\n${TABLE_BEGINS}\n\n| new |\n\n${TABLE_ENDS}\nb\n`);
    expect(() => withTable("a page", "| new |")).toThrow("no place");
  });
});
