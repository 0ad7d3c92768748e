/** Replies as OpenAI's output files hold them, made without a service. */

import { createReadStream, createWriteStream } from "node:fs";
import { once } from "node:events";
import { linesOf } from "../src/core/lines.ts";

/** The labels that replies choose from, in turn. */
export const LABELS = ["praise", "blame", "neither"] as const;

/** Writes the replies to a request file, in another order, as OpenAI's output files have them. */
export async function writeReplies(requests: string, replies: string): Promise<void> {
  const ids: string[] = [];
  for await (const { text } of linesOf(createReadStream(requests)))
    ids.push((JSON.parse(text) as { custom_id: string }).custom_id);
  const out = createWriteStream(replies);
  for (let at = 0; at < ids.length; at += 1) {
    // A step that shares no factor with the length comes by every place once.
    const custom_id = ids[(at * 7919) % ids.length] ?? "";
    const content = JSON.stringify({ label: LABELS[at % LABELS.length] });
    const line = {
      id: `batch_req_${String(at)}`,
      custom_id,
      response: {
        status_code: 200,
        request_id: `req_${String(at)}`,
        body: {
          id: `chatcmpl-${String(at)}`,
          object: "chat.completion",
          created: 1_790_000_000,
          model: "m-2026-01-01",
          choices: [
            {
              index: 0,
              message: { role: "assistant", content, refusal: null, annotations: [] },
              logprobs: null,
              finish_reason: "stop",
            },
          ],
          usage: {
            prompt_tokens: 60,
            completion_tokens: 5,
            total_tokens: 65,
            prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
            completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
          },
          service_tier: "default",
          system_fingerprint: null,
        },
      },
      error: null,
    };
    if (!out.write(`${JSON.stringify(line)}\n`)) await once(out, "drain");
  }
  out.end();
  await once(out, "finish");
}
