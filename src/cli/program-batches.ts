/** The command line of `batchframe batches`. */

import type { Command } from "commander";
import { batchesCancelCommand } from "./batches-cancel.ts";
import { batchesListCommand, type BatchListFlags } from "./batches-list.ts";
import type { BatchFlags } from "./batches-open.ts";
import { batchesRemoveCommand } from "./batches-remove.ts";
import { batchesResultsCommand, type BatchResultsFlags } from "./batches-results.ts";
import { batchesStatusCommand } from "./batches-status.ts";
import { batchesSubmitCommand } from "./batches-submit.ts";
import { batchesWaitCommand, type BatchWaitFlags } from "./batches-wait.ts";
import type { FlagValues } from "./flag-values.ts";
import { addTerminalFlags, type Choose } from "./program-flags.ts";

const LISTED = 20;

/** Adds `batches` and what is below it. */
export function addBatches(program: Command, choose: Choose, values: FlagValues): void {
  const batches = program
    .command("batches")
    .description("a provider's batches, by their ids alone")
    .helpCommand("help [command]", "print help for a command");
  const on = (name: string, description: string, example: string): Command => {
    const command = batches
      .command(name)
      .description(description)
      .option("-m, --model <name>", "provider, or provider/model (env BATCHFRAME_MODEL)")
      .option("--base-url <url>", "address of the provider (env OPENAI_BASE_URL, …)")
      .addHelpText("after", `\nExample:\n  batchframe batches ${example}`);
    return addTerminalFlags(command);
  };
  on("submit", "create a batch of a request file; prints its id", "submit in.jsonl -m openai")
    .argument("<file>", "request file, as build writes it or made elsewhere")
    .action((file: string, flags: BatchFlags) => {
      choose(flags, (terminal) => batchesSubmitCommand(file, flags, terminal));
    });
  on("list", "the account's batches, the newest first", "list -m anthropic --limit 50")
    .option("-n, --limit <count>", "how many", values.wholeNumber, LISTED)
    .action((flags: BatchListFlags) => {
      choose(flags, (terminal) => batchesListCommand(flags, terminal));
    });
  on("status", "where a batch stands", "status batch_abc -m openai --json")
    .argument("<id>", "the batch's id")
    .action((id: string, flags: BatchFlags) => {
      choose(flags, (terminal) => batchesStatusCommand(id, flags, terminal));
    });
  on("wait", "stay until a batch has ended", "wait batch_abc -m openai --poll 1m")
    .argument("<id>", "the batch's id")
    .option("--poll <duration>", "time between looks: 500ms, 30s, 5m", values.duration)
    .action((id: string, flags: BatchWaitFlags) => {
      choose(flags, (terminal) => batchesWaitCommand(id, flags, terminal));
    });
  on("results", "an ended batch's results, one JSON object a line", "results batch_abc -m openai")
    .argument("<id>", "the batch's id")
    .option("-o, --output <file>", "write them here instead of standard output")
    .option("--raw", "the provider's own reply lines")
    .action((id: string, flags: BatchResultsFlags) => {
      choose(flags, (terminal) => batchesResultsCommand(id, flags, terminal));
    });
  on("cancel", "stop a batch; its answers so far are kept", "cancel batch_abc -m openai")
    .argument("<id>", "the batch's id")
    .action((id: string, flags: BatchFlags) => {
      choose(flags, (terminal) => batchesCancelCommand(id, flags, terminal));
    });
  on("remove", "delete an ended batch and its files there", "remove batch_abc -m openai")
    .argument("<id>", "the batch's id")
    .action((id: string, flags: BatchFlags) => {
      choose(flags, (terminal) => batchesRemoveCommand(id, flags, terminal));
    });
}
