/** A project that has installed the package: run under Node and Deno, and compiled, by scripts/packed.ts. */

import pl from "nodejs-polars";
import { enrichColumn, openModel, InputError, type Receipt, type RowStatus } from "batchframe";
import { startEmulator, type Emulator } from "batchframe/emulator";
import { bars, show, type Displayed } from "batchframe/notebook";
import { providerContract } from "batchframe/testing";

const frame = pl.DataFrame({ text: ["I love it", "I hate it"] });
const run = enrichColumn(frame, "{{ text }}", "embedded/use-lite", {
  column: "mood",
  output: { labels: ["positive", "negative"] },
});
const receipt: Receipt = await run.report();
const statuses: readonly RowStatus[] = [...(await run).getColumn("mood_status")];
const emulator: Emulator = await startEmulator();
await emulator.close();
const shown: readonly Displayed[] = [show(frame), bars(receipt.labels)];
const missing = await openModel("gguf:./tiny.gguf").catch((error: unknown) => error);
const { hint } = missing instanceof InputError ? missing : { hint: "none" };
const { ok } = receipt.rows;
const promises = typeof providerContract;
console.log(JSON.stringify({ ok, statuses, shown: shown.length, promises, hint }));

/** Never called: what must not compile. */
export function wrong(typed: pl.DataFrame<{ text: pl.String }>): void {
  // @ts-expect-error a misspelt column
  enrichColumn(typed, "{{ txet }}", "openai/gpt-5-mini");
}
