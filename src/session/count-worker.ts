/** The thread that counts tokens: the tables to count by are large, and are gone with it. */

import { parentPort, workerData } from "node:worker_threads";
import { tokenCounter } from "./tokenizer.ts";

/** The model whose tokens the thread counts. */
export interface CountedModel {
  readonly provider: string;
  readonly model: string;
}

if (parentPort !== null) {
  const port = parentPort;
  const { provider, model } = workerData as CountedModel;
  const { count } = await tokenCounter(provider, model);
  port.on("message", (texts: readonly string[]) => {
    port.postMessage(texts.map(count));
  });
}
