/** Asks a server live for the batch whose request file is named, until it is done or killed: `node live-child.ts URL FILE CONCURRENCY`. */

import { stat } from "node:fs/promises";
import { liveProvider } from "../../src/provider/live.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";

const [baseUrl = "", path = "", concurrency = "1"] = process.argv.slice(2);
const provider = liveProvider({
  id: "compatible",
  baseUrl,
  apiKey: "a-key-of-the-child",
  dialect: OPENAI_DIALECT,
  concurrency: Number(concurrency),
});
const { size } = await stat(path);
const file = { name: "requests.jsonl", path, bytes: size, requestCount: 0 };
const batch = { batchId: "local-intent", staged: {}, file };
for (;;) {
  const status = await provider.poll(batch, new AbortController().signal);
  if (status.phase === "ended") break;
  await new Promise((resolve) => setTimeout(resolve, 5));
}
await provider.close();
process.stdout.write("done\n");
