import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { expect, it } from "vitest";
import { chatLine, ended } from "./drive.ts";

const ROWS = 50_000;

it("takes 50 000 lines and 200 MB without ever holding the file in memory", async () => {
  const child = fork(fileURLToPath(new URL("serve.ts", import.meta.url)), { execArgv: [] });
  try {
    const [url] = (await once(child, "message")) as [string];
    const client = new OpenAI({ apiKey: "k", baseURL: url, maxRetries: 0 });
    const file = await uploadLarge(url);
    expect(file.bytes).toBeGreaterThan(200_000_000);
    const { id } = await client.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    const batch = await ended(client, id);
    expect(batch.request_counts).toEqual({ total: ROWS, completed: ROWS, failed: 0 });
    child.send("how much?");
    const [memory] = (await once(child, "message")) as [{ readonly grownBytes: number }];
    // The file is 206 MB: growth by less than three quarters of that rules out a single whole copy.
    expect(memory.grownBytes).toBeLessThan(150_000_000);
  } finally {
    child.disconnect();
    await once(child, "exit");
  }
}, 120_000);

async function uploadLarge(url: string): Promise<{ readonly id: string; readonly bytes: number }> {
  const response = await fetch(`${url}/files`, {
    method: "POST",
    headers: { authorization: "Bearer k", "content-type": "multipart/form-data; boundary=B" },
    body: ReadableStream.from(form()),
    duplex: "half",
  });
  return (await response.json()) as { readonly id: string; readonly bytes: number };
}

function* form(): Generator<Uint8Array> {
  const text = "x".repeat(4000);
  yield Buffer.from('--B\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n');
  yield Buffer.from('--B\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n');
  for (let index = 0; index < ROWS; index += 1) {
    yield Buffer.from(`${JSON.stringify(chatLine(`r${String(index)}`, text))}\n`);
  }
  yield Buffer.from("\r\n--B--\r\n");
}
