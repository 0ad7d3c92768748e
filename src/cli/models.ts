/** `batchframe models`: what models cost, and from where that is known. */

import { InputError, pricedModels, type ModelPrice } from "../index.ts";
import { wrapped } from "./cells.ts";
import { counted } from "./format.ts";
import { tableText } from "./table.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";

/** Flags of `models`. */
export interface ModelsFlags extends TerminalFlags {
  readonly provider?: string;
}

/** Prints the prices, one model a line; gives 0. */
export function modelsCommand(flags: ModelsFlags, terminal: Terminal): number {
  const all = pricedModels();
  const { provider } = flags;
  const shown = provider === undefined ? all : all.filter((one) => one.provider === provider);
  if (shown.length === 0)
    throw new InputError(
      "unknown_provider",
      `The package has no prices for a provider named ${JSON.stringify(provider)}. Nothing was sent.`,
      { hint: `It has some for: ${[...new Set(all.map((one) => one.provider))].join(", ")}.` },
    );
  if (!terminal.json) terminal.print(modelsText(shown, terminal));
  terminal.data({ schemaVersion: 1, models: shown });
  return 0;
}

function modelsText(models: readonly ModelPrice[], terminal: Terminal): string {
  const table = tableText(
    [
      { title: "model", whole: true },
      ...["in", "cached", "write", "out", "batch"].map((title) => ({
        title,
        align: "right" as const,
        whole: true,
        spare: title !== "in" && title !== "out",
      })),
    ],
    models.map(({ name, price }) => [
      name,
      dollars(price.inputPerM),
      dollars(price.cachedInputPerM),
      dollars(price.cacheWritePerM),
      dollars(price.outputPerM),
      `${String(Math.round(price.batchShare * 100))} %`,
    ]),
    terminal.isPiped ? Number.POSITIVE_INFINITY : terminal.width,
  );
  const sources = [...new Set(models.map(({ source }) => source))].map((source) => `  ${source}`);
  const [first] = models;
  const notes = [
    `${counted(models.length, "model")}. US dollars per million tokens; batches at that share of it. ${first?.price.source ?? ""}, from:`,
    ...sources,
    "Another price: --price in=…,out=…, a file with --prices, or prices in code.",
  ];
  return [table, ...notes.map((note) => wrapped(note, terminal.wrapWidth, 0))].join("\n");
}

function dollars(perM: number | undefined): string {
  return perM === undefined ? "" : String(perM);
}
