/** The `batchframe` command. */

import { hushSqliteWarning } from "./hush.ts";
import { endWhenUnread } from "./interrupt.ts";

endWhenUnread();
hushSqliteWarning();

// Loaded only now, so that a missing or foreign part of the installation is told in words.
const command = await import("./invoke.ts").catch((error: unknown) => {
  process.stderr.write(
    `error: batchframe cannot be loaded: ${error instanceof Error ? error.message : String(error)}\n` +
      "  Install it again, with its optional packages: npm install --include=optional\n",
  );
  return null;
});

process.exitCode = command === null ? 1 : await command.invoke(process.argv.slice(2));
