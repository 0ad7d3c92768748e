/** The flags about calls: their pace, their settings, and what the provider may keep of them. */

import type { Command } from "commander";
import type { FlagValues } from "./flag-values.ts";

/** Adds the flags that say how a model is asked. */
export function addCallFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("How the model is asked:")
    .option("--max-tokens <n>", "the most tokens of an answer", values.wholeNumber)
    .option("--temperature <t>", "0 for the likeliest words, more for others", values.number)
    .option("--top-p <p>", "choose among the likeliest words, up to this share", values.rate)
    .option("--seed <n>", "ask for repeatable answers", values.seedNumber)
    .option("--stop <text>", "end the answer where it would say this; repeatable", values.texts)
    .option("--reasoning <level>", "none, minimal, low, medium, high; or tokens", values.reasoning)
    .option("--tools <json|@file>", "functions the model may call; a column holds the calls")
    .option("--tool-choice <choice>", "auto, none, required, or a tool's name")
    .option("--few-shot <file>", "CSV of examples: the prompt's columns, and the answer")
    .addOption(
      command
        .createOption("--endpoint <name>", "where text is asked from")
        .choices(["chat", "responses"]),
    );
}

/** Adds the flags that say what the provider may keep between requests. */
export function addCacheFlags(command: Command, values: FlagValues): void {
  command
    .optionsGroup("What the provider may keep:")
    .option("--cache-system", "the instructions (Anthropic)")
    .option("--cache-tools", "the tools (Anthropic)")
    .option("--cache-last <n>", "the last n user messages (Anthropic)", values.wholeNumber)
    .addOption(
      command.createOption("--cache-ttl <time>", "how long (Anthropic)").choices(["5m", "1h"]),
    )
    .option("--cache-key <key>", "requests with one key share a cache (OpenAI)")
    .option("--cache-content <name>", "cachedContents/… made before (Gemini)");
}
