/**
 * Writes src/core/price-table.ts anew from the npm package @pydantic/genai-prices (MIT), as of a day.
 *
 * `node scripts/price-table.ts 2026-11-21`. Only exact names are taken: a pattern of that package that
 * fits by prefix gives the prefix itself as a name and nothing longer, so that no model is priced as
 * another one whose name begins alike. Run it when the package has a new version, and read the diff.
 */

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { runInNewContext } from "node:vm";

const PROVIDERS = ["openai", "azure", "anthropic", "google", "mistral", "groq", "together"];
// Models that make no text and no vectors, or are billed by something other than tokens.
const OTHERS =
  /audio|realtime|image|transcribe|tts|whisper|veo|imagen|lyria|moderation|ocr|voxtral|live|computer-use|search-preview|^ft:|\.ft-/;
// Models their makers have withdrawn, or are about to.
const OLD =
  /^(?:ada|babbage|curie|davinci|gpt-3|gpt-4-|gpt-4$|codex-mini|o1|text-(?!embedding)|claude-(?:[12v]|instant|3-)|gemini-1|gemini-pro|palm|chat-bison|text-bison|mistral-tiny|open-mi[sx]tral|gpt-5-\d)/;

type Amount =
  | number
  | {
      readonly base: number;
      readonly tiers: readonly { readonly start: number; readonly price: number }[];
    };
type Prices = Readonly<Record<string, Amount>>;
interface Model {
  readonly id: string;
  readonly match: Match;
  readonly prices:
    | Prices
    | readonly {
        readonly constraint?: { readonly start_date?: string };
        readonly prices: Prices;
      }[];
}
type Match =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly or: readonly Match[] }
  | Readonly<Record<string, unknown>>;
interface Provider {
  readonly id: string;
  readonly pricing_urls?: readonly string[];
  readonly models: readonly Model[];
}

const require = createRequire(import.meta.url);
const entry = require.resolve("@pydantic/genai-prices");
const day = process.argv[2] ?? "";
if (!/^\d{4}-\d{2}-\d{2}$/.test(day))
  throw new Error("Give the day the prices are taken for: node scripts/price-table.ts 2026-11-21");

/** The package keeps its data in a literal at the top of its module and exports no way to list it. */
function bundledData(): readonly Provider[] {
  const source = readFileSync(join(dirname(entry), "index.js"), "utf8");
  const start = source.indexOf("= [") + 2;
  const end = source.indexOf("\n]", start) + 2;
  return runInNewContext(`(${source.slice(start, end)})`) as readonly Provider[];
}

function currentPrices({ prices }: Model): Prices {
  if (!Array.isArray(prices)) return prices as Prices;
  const started = (
    prices as readonly { constraint?: { start_date?: string; type?: string }; prices: Prices }[]
  ).filter(
    ({ constraint }) =>
      constraint === undefined ||
      (constraint.type === "start_date" && (constraint.start_date ?? "") <= day),
  );
  const sorted = started.toSorted((a, b) =>
    (a.constraint?.start_date ?? "").localeCompare(b.constraint?.start_date ?? ""),
  );
  return sorted.at(-1)?.prices ?? {};
}

function namesOf(match: Match): readonly string[] {
  if ("or" in match) return (match.or as readonly Match[]).flatMap(namesOf);
  if ("equals" in match) return [match.equals as string];
  if ("starts_with" in match) return [(match.starts_with as string).replace(/[-.]$/, "")];
  return [];
}

const AMOUNTS = [
  "input_mtok",
  "cache_read_mtok",
  "cache_write_mtok",
  "cache_write_1h_mtok",
  "output_mtok",
] as const;

function rowOf(prices: Prices): readonly (number | null)[] | null {
  const base = AMOUNTS.map((name) => {
    const amount = prices[name];
    return amount === undefined ? null : typeof amount === "number" ? amount : amount.base;
  });
  if (base[0] === null) return null;
  const tiered = AMOUNTS.map((name) => prices[name]).filter((amount) => typeof amount === "object");
  const start = tiered[0]?.tiers[0]?.start;
  if (start === undefined) return base;
  const above = AMOUNTS.map((name) => {
    const amount = prices[name];
    return amount === undefined
      ? null
      : typeof amount === "number"
        ? amount
        : (amount.tiers[0]?.price ?? amount.base);
  });
  return [...base, start, ...above];
}

const { version } = JSON.parse(
  readFileSync(join(dirname(entry), "..", "package.json"), "utf8"),
) as { version: string };
const blocks: string[] = [];
const sources: string[] = [];
for (const provider of bundledData()
  .filter(({ id }) => PROVIDERS.includes(id))
  .toSorted((a, b) => PROVIDERS.indexOf(a.id) - PROVIDERS.indexOf(b.id))) {
  const rows = new Map<string, string>();
  const models = provider.models.filter(({ id }) => !OTHERS.test(id) && !OLD.test(id));
  // A name that one model has for itself is never given to another that only begins like it.
  for (const own of [true, false])
    for (const model of models) {
      const row = rowOf(currentPrices(model));
      if (row === null) continue;
      for (const name of own ? [model.id] : namesOf(model.match))
        if (!rows.has(name) && !OTHERS.test(name) && !OLD.test(name))
          rows.set(name, JSON.stringify(row));
    }
  const lines = [...rows]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, row]) => `    ${JSON.stringify(name)}: ${row},`);
  sources.push(
    `  ${provider.id}: ${JSON.stringify(provider.pricing_urls?.[0] ?? "no page named")},`,
  );
  blocks.push(`  ${JSON.stringify(provider.id)}: {\n${lines.join("\n")}\n  },`);
}
const text = `/** Prices per million tokens in US dollars, as of ${day}; written by scripts/price-table.ts, from @pydantic/genai-prices ${version} (MIT). */

/** The day these prices were taken. */
export const PRICES_AS_OF = ${JSON.stringify(day)};

/**
 * A model's prices without any batch discount: input, cached input, cache write, cache write for an
 * hour, output; then, where prices rise with the length of the prompt, the tokens up to which those
 * hold, and the five prices above them. Null where the provider has no such price of its own.
 */
export type PriceRow = readonly (number | null)[];

/** The page on which each provider tells its prices. */
export const PRICE_SOURCES: Readonly<Record<string, string>> = {
${sources.join("\n")}
};

/** Prices by provider and exact model name. */
export const PRICE_TABLE: Readonly<Record<string, Readonly<Record<string, PriceRow>>>> = {
${blocks.join("\n")}
};
`;
writeFileSync(fileURLToPath(new URL("../src/core/price-table.ts", import.meta.url)), text);
