/**
 * How fast the emulator is by itself: `node bench/emulator.ts [rows]`.
 *
 * Uploads a request file by plain fetch, makes a batch of it, waits for it and downloads the answers, so that it is
 * known how much of an end-to-end figure is the emulator's.
 */

import { setTimeout as sleep } from "node:timers/promises";
import { startEmulator } from "../src/emulator/emulator.ts";
import { reviewOf } from "./rows.ts";

const rows = Number(process.argv[2] ?? 50_000);
const lines = Array.from({ length: rows }, (_, row) =>
  JSON.stringify({
    custom_id: `row-${String(row)}`,
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "m", messages: [{ role: "user", content: reviewOf(row) }] },
  }),
);
const emulator = await startEmulator({ seed: 1 });
const start = performance.now();
const form = new FormData();
form.append("purpose", "batch");
form.append("file", new Blob([lines.join("\n")]), "requests.jsonl");
const ask = async (path: string, init: RequestInit = {}): Promise<Response> => {
  const headers = new Headers(init.headers);
  headers.set("authorization", "Bearer none");
  const answer = await fetch(`${emulator.url}${path}`, { ...init, headers });
  if (!answer.ok) throw new Error(`${path}: ${String(answer.status)} ${await answer.text()}`);
  return answer;
};
const file = (await (await ask("/files", { method: "POST", body: form })).json()) as { id: string };
let batch = (await (
  await ask("/batches", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    }),
  })
).json()) as { id: string; status: string; output_file_id?: string };
while (batch.status !== "completed") {
  await sleep(5);
  batch = (await (await ask(`/batches/${batch.id}`)).json()) as typeof batch;
}
const answers = await (await ask(`/files/${batch.output_file_id ?? ""}/content`)).text();
const seconds = (performance.now() - start) / 1000;
if (answers.trimEnd().split("\n").length !== rows) throw new Error("answers are missing");
await emulator.close();
console.log(
  `${String(rows)} requests in ${seconds.toFixed(2)} s: ${(rows / seconds).toFixed(0)} a second`,
);
