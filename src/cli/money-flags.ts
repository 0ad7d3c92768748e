/** The flags about money: prices, what may be spent, and from when on to ask. */

import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  InputError,
  type EnrichOptions,
  type OutputOption,
  type PriceOverrides,
} from "../index.ts";
import type { FlagValues } from "./flag-values.ts";

/** Flags of every command that may spend. */
export interface MoneyFlags {
  /** In US dollars. */
  readonly maxCost?: number;
  /** In US dollars. */
  readonly confirmAbove?: number;
  /** `in=…,out=…` in US dollars per million tokens. */
  readonly price?: string;
  /** A JSON file of prices by `provider/model`. */
  readonly prices?: string;
}

/** Adds them; to a command that sends nothing or never asks, those that would do nothing are not. */
export function addMoneyFlags(
  command: Command,
  values: FlagValues,
  { sends = true, asks = true }: { readonly sends?: boolean; readonly asks?: boolean } = {},
): Command {
  command.optionsGroup("Money:");
  if (sends)
    command.option(
      "--max-cost <usd>",
      "stop before the run has cost more; it can go on later",
      values.amount,
    );
  if (asks)
    command.option(
      "--confirm-above <usd>",
      "ask first where more is expected (default: 1)",
      values.amount,
    );
  return command
    .option(
      "--price <in=…,out=…>",
      "US dollars per million tokens; also cached=, write=, batch=0.5",
    )
    .option("--prices <file>", 'prices in JSON: {"openai/x": {"inputPerM": 1, "outputPerM": 4}}')
    .optionsGroup("Options:");
}

/** The options these flags stand for, for a model by the name it is asked by. */
export async function moneyOptions(
  { maxCost, price, prices }: MoneyFlags,
  model: string,
): Promise<Pick<EnrichOptions<string, OutputOption>, "maxCostUsd" | "prices">> {
  const given = {
    ...(prices === undefined ? {} : await pricesIn(prices)),
    ...(price === undefined ? {} : { [model]: priceOf(price) }),
  };
  return {
    ...(maxCost === undefined ? {} : { maxCostUsd: maxCost }),
    ...(price === undefined && prices === undefined ? {} : { prices: given }),
  };
}

const PRICES = new Map([
  ["in", "inputPerM"],
  ["out", "outputPerM"],
  ["cached", "cachedInputPerM"],
  ["write", "cacheWritePerM"],
  ["batch", "batchShare"],
]);

/** @throws {InputError} `option_invalid` */
function priceOf(text: string): PriceOverrides[string] {
  const parts = text.split(",").map((part) => part.trim().split("="));
  const entries = parts.map(([name = "", value = ""]) => {
    const member = PRICES.get(name);
    const number = value.trim() === "" ? Number.NaN : Number(value);
    if (member === undefined || !Number.isFinite(number) || number < 0) throw priceInvalid(text);
    return [member, number] as const;
  });
  const price = Object.fromEntries(entries) as Partial<PriceOverrides[string]>;
  const { inputPerM, outputPerM } = price;
  if (inputPerM === undefined || outputPerM === undefined) throw priceInvalid(text);
  return { ...price, inputPerM, outputPerM };
}

function priceInvalid(text: string): InputError {
  return new InputError(
    "option_invalid",
    `The price ${JSON.stringify(text)} cannot be read. Nothing was sent.`,
    {
      hint: "Give dollars for a million tokens, as in in=0.25,out=2, and if need be cached=0.025 and batch=0.5.",
    },
  );
}

/** @throws {InputError} `prices_unreadable` */
async function pricesIn(file: string): Promise<PriceOverrides> {
  let read: unknown;
  try {
    read = JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause));
  }
  const isTable =
    typeof read === "object" &&
    read !== null &&
    Object.values(read).every(
      (price: unknown) =>
        typeof price === "object" &&
        price !== null &&
        "inputPerM" in price &&
        "outputPerM" in price,
    );
  if (!isTable) throw unreadable(file, "it holds no prices by model");
  return read as PriceOverrides;
}

function unreadable(file: string, why: string): InputError {
  return new InputError(
    "prices_unreadable",
    `No prices can be read from ${file}: ${why}. Nothing was sent.`,
    {
      hint: 'It is JSON such as {"openai/gpt-5-mini": {"inputPerM": 0.25, "outputPerM": 2}}, in US dollars per million tokens.',
    },
  );
}
