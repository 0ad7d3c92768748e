/** One invocation of the command: words in, exit code out. */

import { EXIT } from "./exit-codes.ts";
import { tell, tellFailure } from "./failure.ts";
import { readCommandLine } from "./program.ts";
import { openTerminal } from "./terminal.ts";

/** Does what the words after the program's name ask for; gives the exit code. Never throws. */
export async function invoke(words: readonly string[]): Promise<number> {
  const reading = readCommandLine(words);
  switch (reading.kind) {
    case "text":
      process.stdout.write(reading.text);
      return EXIT.ok;
    case "misuse": {
      // Flags that were not understood cannot say how to speak, so they are looked for as words.
      const terminal = openTerminal({
        json: words.includes("--json"),
        color: !words.includes("--no-color"),
      });
      const { message, hint, help } = reading;
      if (help !== null) terminal.insist(help);
      tell(terminal, { code: "usage", message, hint });
      return EXIT.usage;
    }
    case "command": {
      const terminal = openTerminal(reading.flags);
      try {
        return await reading.execute(terminal);
      } catch (error) {
        return tellFailure(error, terminal);
      }
    }
  }
}
