/** What a plan says of the provider: what it takes of a schema, and that it has no batches. */

import { fittedAnswer } from "../core/form.ts";
import { COMMON_DIALECT } from "../core/schema-dialect.ts";
import type { MovedKeyword } from "../core/schema-fit.ts";
import type { Settings } from "./settings.ts";

/** A sentence for each thing a plan has to tell of the provider before money is spent. */
export function providerWarnings(settings: Pick<Settings, "form" | "model">): string[] {
  return [...liveWarnings(settings), ...schemaWarnings(settings)];
}

/** That rows are asked one by one, without the batch discount; nothing where they go in batches, or cost nothing. */
function liveWarnings({ model }: Pick<Settings, "model">): string[] {
  const { asksLive = false, free, host } = model.provider;
  if (!asksLive || free) return [];
  return [
    `${host} has no batches: in either lane every request is asked by itself, at the price of a live call.`,
  ];
}

/**
 * A sentence for each keyword of the schema that the provider is not told; none where it is told all.
 *
 * Such a keyword narrows what counts as an answer and is checked on this machine, so an answer that
 * breaks it is asked for again, once, and paid for again.
 */
function schemaWarnings({ form, model }: Pick<Settings, "form" | "model">): string[] {
  const dialect = model.provider.schemaDialect ?? COMMON_DIALECT;
  const moved = fittedAnswer(form, dialect)?.moved ?? [];
  return Object.entries(Object.groupBy(moved, ({ keyword }) => keyword)).map(([keyword, places]) =>
    sentence(keyword, places ?? [], dialect.name),
  );
}

function sentence(keyword: string, places: readonly MovedKeyword[], dialect: string): string {
  const [first, ...others] = places.map(({ path }) => path);
  const more = others.length === 0 ? "" : ` and ${String(others.length)} more`;
  return `${dialect} does not take ${keyword} (at ${first ?? "#"}${more}); answers are checked against it on this machine.`;
}
