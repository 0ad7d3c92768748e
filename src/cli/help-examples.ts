/** An example for each command that brings none of its own. */

import type { Command } from "commander";
import type { EventEmitter } from "node:events";

const EXAMPLES: Readonly<Record<string, string>> = {
  ls: "ls",
  status: "status latest",
  reparse: "reparse latest --schema './schema.ts#ticket' -o again.csv",
  resume: "resume latest",
  attach: "attach latest --notify https://hooks.example.com/done",
  cancel: "cancel tickets-topic-3f2a91c",
  retry: "retry latest --only expired,rate_limited",
  rm: "rm tickets-topic-3f2a91c",
  gc: "gc --older-than 90d --dry-run",
  info: "cache info",
  clear: "cache clear -m openai/gpt-5-mini --older-than 30d",
  eval: "eval labelled.csv --pred sentiment --gold gold --min-accuracy 0.9",
  diff: "diff first.csv second.csv -c sentiment -o differ.csv",
  emulate: "emulate --port 8080 --fail-rows 0.1",
  doctor: "doctor -m openai/gpt-5-mini --remote",
  init: "init ts tickets.csv",
  completions: "completions bash",
  plan: "plan tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini",
  preview: "preview tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini",
  ui: "ui latest",
  models: "models --provider openai",
  worker: "worker --state postgres://db.example.com/runs",
  migrate: "migrate --state postgres://db.example.com/runs",
};

/** Ends the help of each command with an example, where it has none yet. */
export function addExamples(commands: readonly Command[]): void {
  for (const command of commands) {
    const words = EXAMPLES[command.name()];
    // Commander's types do not say that a command is an emitter, which its added help is told through.
    const { length: added } = (command as unknown as EventEmitter).listeners("afterHelp");
    const hasOwn = added > 0 || command.commands.length > 0;
    if (words !== undefined && !hasOwn)
      command.addHelpText("after", `\nExample:\n  batchframe ${words}`);
  }
}
