/** The table of what works with each provider, from what the passing suites declare. */

import type { Cargo } from "../../src/testing/testing.ts";
import type { Proof } from "./providers.ts";

/** Where the table stands in a page: between these two lines. */
export const TABLE_BEGINS =
  "<!-- Written by scripts/provider-table.ts from the contract suite. -->";
/** The line after the table. */
export const TABLE_ENDS = "<!-- End of the table. -->";

const HEADINGS = [
  "provider",
  "batches found again",
  "partial results",
  "structured",
  "tools",
  "images",
  "files",
  "reasoning",
  "cache",
  "vectors",
  "free",
];

const YES = "✓";
const NO = "–";

/** The table in Markdown, one line for each provider in the order of its first proof, laid out as prettier does. */
export function providerTable(proofs: readonly Proof[]): string {
  const byProvider = Map.groupBy(proofs, ({ provider }) => provider);
  const lines = [...byProvider].map(([provider, ofIt]) => [`\`${provider}\``, ...cellsOf(ofIt)]);
  return aligned([HEADINGS, ...lines]);
}

function cellsOf(proofs: readonly Proof[]): readonly string[] {
  const batches = proofs.map((proof) => proof.batches).find((traits) => traits !== null);
  const rows = proofs.flatMap((proof) => (proof.rows === null ? [] : [proof.rows]));
  const carries = new Set(rows.flatMap((row) => row.carries));
  return [
    batches === undefined ? NO : batches.tagged === false ? "by their ids" : "by tag",
    batches === undefined ? NO : mark(batches.keepsPartial !== false),
    structure(
      carries,
      rows.every(({ holdsSchemas }) => holdsSchemas),
    ),
    mark(carries.has("tools")),
    attached(carries, "imageBytes", "imageUrl"),
    attached(carries, "fileBytes", "fileUrl"),
    mark(carries.has("reasoning")),
    cache(carries),
    mark(carries.has("embedding")),
    mark(rows.some(({ isFree }) => isFree === true)),
  ];
}

function mark(works: boolean): string {
  return works ? YES : NO;
}

function structure(carries: ReadonlySet<Cargo>, isStrict: boolean): string {
  if (!carries.has("object")) return carries.has("labels") ? "labels" : NO;
  return isStrict ? "strict" : "checked";
}

function attached(carries: ReadonlySet<Cargo>, bytes: Cargo, url: Cargo): string {
  if (!carries.has(bytes)) return NO;
  return carries.has(url) ? YES : "bytes";
}

function cache(carries: ReadonlySet<Cargo>): string {
  const words = { cacheKey: "key", cacheMarks: "marks", cachedContent: "content" } as const;
  const found = Object.entries(words).filter(([cargo]) => carries.has(cargo as Cargo));
  return found.length === 0 ? NO : found.map(([, word]) => word).join(", ");
}

function aligned(table: readonly (readonly string[])[]): string {
  const widths = HEADINGS.map((_, at) => Math.max(...table.map((line) => line[at]?.length ?? 0)));
  const line = (cells: readonly string[], filler: string): string =>
    `| ${widths.map((width, at) => (cells[at] ?? "").padEnd(width, filler)).join(" | ")} |`;
  const [headings = [], ...rest] = table;
  return [line(headings, " "), line([], "-"), ...rest.map((cells) => line(cells, " "))].join("\n");
}

/**
 * A page with the table in its place.
 *
 * @throws where the page has no place for it.
 */
export function withTable(page: string, table: string): string {
  const [before, after] = [page.indexOf(TABLE_BEGINS), page.indexOf(TABLE_ENDS)];
  if (before < 0 || after < before) throw new Error("The page has no place for the table.");
  return `${page.slice(0, before)}${TABLE_BEGINS}\n\n${table}\n\n${page.slice(after)}`;
}
