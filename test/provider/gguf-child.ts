/**
 * Asks a tiny random model through the `gguf` provider, in a process that finds node-llama-cpp: prints
 * the results of each batch that standard input describes as JSON, in order.
 */

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { linesOf } from "../../src/core/lines.ts";
import type { Request } from "../../src/core/request.ts";
import type { Result } from "../../src/core/result.ts";
import { openModel } from "../../src/provider/models.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { writeTinyModel } from "./gguf-fixture.ts";

const NEVER = new AbortController().signal;

async function resultsOf(
  provider: BatchProvider,
  requests: readonly Request[],
  path: string,
): Promise<readonly Result[]> {
  const lines = requests.map((request, at) =>
    provider.encode(request, `rabcdefg-1-${String(at).padStart(3, "0")}`),
  );
  await writeFile(path, lines.map((line) => `${line}\n`).join(""));
  const { size } = await stat(path);
  const file = { name: "requests.jsonl", path, bytes: size, requestCount: requests.length };
  const batch = { batchId: path, staged: {}, file };
  for (;;) {
    const status = await provider.poll(batch, NEVER);
    if (status.phase === "ended") {
      const replies = provider.replies(batch, status.ending, NEVER);
      const results = (await Array.fromAsync(linesOf(replies))).map((line) =>
        provider.parse(line.text),
      );
      return results.toSorted((a, b) => ((a.customId ?? "") < (b.customId ?? "") ? -1 : 1));
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const folder = await mkdtemp(join(tmpdir(), "gguf-"));
const path = join(folder, "tiny.gguf");
await writeTinyModel(path);
const batches = JSON.parse(await text(process.stdin)) as readonly (readonly Request[])[];
const { provider } = await openModel({ provider: "gguf", model: path, concurrency: 2 });
try {
  const all: (readonly Result[])[] = [];
  for (const [at, requests] of batches.entries())
    all.push(await resultsOf(provider, requests, join(folder, `${String(at)}.jsonl`)));
  const plain = (_: string, value: unknown): unknown =>
    value instanceof Float32Array ? [...value] : value;
  process.stdout.write(JSON.stringify(all, plain));
} finally {
  await provider.close();
  await rm(folder, { recursive: true });
}
