/** One invocation of the command: words in, exit code out. */

import { fillIn } from "./configured.ts";
import { EXIT } from "./exit-codes.ts";
import { tell, tellFailure } from "./failure.ts";
import { readCommandLine, type Misuse } from "./program.ts";
import { openTerminal } from "./terminal.ts";

/** Does what the words after the program's name ask for; gives the exit code. Never throws. */
export async function invoke(words: readonly string[]): Promise<number> {
  const reading = readCommandLine(words);
  switch (reading.kind) {
    case "text":
      process.stdout.write(reading.text);
      return EXIT.ok;
    case "misuse":
      return tellMisuse(reading, words);
    case "command": {
      try {
        await fillIn(reading.open, reading.flags, openTerminal(reading.flags));
      } catch (error) {
        return tellFailure(error, openTerminal(reading.flags));
      }
      const lacking = reading.lacks();
      if (lacking !== null) return tellMisuse(lacking, words);
      // Opened only now: how to speak may have been filled in as well.
      const terminal = openTerminal(reading.flags);
      try {
        return await reading.execute(terminal);
      } catch (error) {
        return tellFailure(error, terminal);
      }
    }
  }
}

function tellMisuse({ message, hint, help }: Misuse, words: readonly string[]): number {
  // Flags that were not understood cannot say how to speak, so they are looked for as words.
  const terminal = openTerminal({
    json: words.includes("--json"),
    color: !words.includes("--no-color"),
    progress: /--progress[ =]json\b/.test(words.join(" ")) ? "json" : "auto",
  });
  if (help !== null) terminal.insist(help);
  tell(terminal, { code: "usage", message, hint });
  return EXIT.usage;
}
