/** The thread that makes identities of texts while the main one reads rows and writes files. */

import { parentPort } from "node:worker_threads";
import { digestTexts, type PackedTexts } from "../core/packed.ts";
import type { Digested } from "../stages/plan.ts";

/** What the thread says: that it can be asked, or what the texts came to that it was asked for first. */
export type DigestReply = "ready" | Digested;

if (parentPort !== null) {
  const port = parentPort;
  port.on("message", (texts: PackedTexts) => {
    const { bytes } = texts;
    const ids = digestTexts(texts);
    const reply: DigestReply = { ids, bytes };
    port.postMessage(reply, [ids.buffer, bytes.buffer]);
  });
  port.postMessage("ready" satisfies DigestReply);
}
