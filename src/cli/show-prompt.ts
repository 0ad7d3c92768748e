/** `--print-prompt`: the messages of a row, exactly as a model would be given them. */

import { filePrompt, type FilePromptOptions, type Message } from "../index.ts";
import { rowNumber } from "./row-numbers.ts";
import type { Terminal } from "./terminal.ts";

/** Prints the prompt of a row on standard output; gives 0. `row` counts from 1; true is the first that would be asked. */
export async function showPrompt(
  asked: Omit<FilePromptOptions, "row">,
  row: number | true,
  terminal: Terminal,
): Promise<number> {
  const shown = await filePrompt({ ...asked, row: row === true ? undefined : row - 1 });
  if (terminal.json) {
    terminal.data({ schemaVersion: 1, ...shown, row: rowNumber(shown.row) });
    return 0;
  }
  const answer =
    shown.schema === null ? [] : [`answer as JSON Schema:\n${JSON.stringify(shown.schema)}`];
  terminal.print([...shown.messages.map(messageText), ...answer].join("\n\n"));
  terminal.say(`The prompt of row ${String(rowNumber(shown.row))}. Nothing was sent.`);
  return 0;
}

function messageText({ role, content }: Message): string {
  if (typeof content === "string") return `${role}:\n${content}`;
  const parts = content.map((part) => {
    if (part.type === "text") return part.text;
    return "url" in part ? `[${part.type} ${part.url}]` : `[${part.type} ${part.mediaType}]`;
  });
  return `${role}:\n${parts.join("\n")}`;
}
