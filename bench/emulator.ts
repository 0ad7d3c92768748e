/**
 * How fast the emulator is by itself: `node bench/emulator.ts [requests]`.
 *
 * It runs in a process of its own, and clients that do as little as they can hand in request files of 50,000 lines
 * and take the answers, so that it is known how much of an end-to-end figure is the emulator's.
 */

import { createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { once } from "node:events";
import { Agent } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { askedLive, CLIENTS, type ProtocolClient } from "./emulator-clients.ts";
import { emulatorProcess, type EmulatorProcess } from "./emulator-process.ts";
import { reviewOf } from "./rows.ts";

const A_BATCH = 50_000;
const AT_ONCE = 32;

const requests = Number(process.argv[2] ?? 100_000);
const only = process.argv[3];

async function written(folder: string, client: ProtocolClient): Promise<readonly string[]> {
  const paths: string[] = [];
  for (let first = 0; first < requests; first += A_BATCH) {
    const path = join(folder, `${String(first)}.jsonl`);
    const out = createWriteStream(path);
    for (let row = first; row < Math.min(first + A_BATCH, requests); row += 1)
      if (!out.write(`${JSON.stringify(client.line(row, reviewOf(row)))}\n`))
        await once(out, "drain");
    out.end();
    await once(out, "finish");
    paths.push(path);
  }
  return paths;
}

async function inBatches(
  { urls }: EmulatorProcess,
  client: ProtocolClient,
  paths: readonly string[],
): Promise<void> {
  let lines = 0;
  for (const path of paths) {
    const { body } = await client.batch(urls, path);
    if (body === null) throw new Error("no answers");
    for await (const piece of body) for (const byte of piece) if (byte === 10) lines += 1;
  }
  if (lines !== requests) throw new Error(`${String(lines)} answers to ${String(requests)}`);
}

async function inRealtime({ urls }: EmulatorProcess, client: ProtocolClient): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: AT_ONCE });
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests / 10) {
      const { path, body } = client.live(reviewOf(next++));
      const url = client.base(urls) + path;
      await askedLive(url, { headers: client.headers, body, agent });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  agent.destroy();
}

async function measured(name: string, count: number, work: (emulator: EmulatorProcess) => unknown) {
  const emulator = await emulatorProcess();
  try {
    const before = await emulator.use();
    const start = performance.now();
    await work(emulator);
    const seconds = (performance.now() - start) / 1000;
    const after = await emulator.use();
    if (after.answered !== count) throw new Error(`${String(after.answered)} requests answered`);
    const cpuSeconds = after.cpuSeconds - before.cpuSeconds;
    const figures = [
      `${(count / seconds).toFixed(0)} a second`,
      `${((cpuSeconds / count) * 1e6).toFixed(1)} µs of processors each`,
      `peak ${after.peakMB.toFixed(0)} MB`,
    ];
    console.log([name.padEnd(30), ...figures.map((figure) => figure.padStart(26))].join(" "));
  } finally {
    await emulator.close();
  }
}

const folder = await mkdtemp(join(tmpdir(), "bench-emulator-"));
try {
  console.log(`${String(requests)} requests in batches, a tenth as many one by one`);
  for (const [name, client] of Object.entries(CLIENTS)) {
    if (only !== undefined && only !== name) continue;
    const paths = await written(folder, client);
    await measured(name, requests, (emulator) => inBatches(emulator, client, paths));
    await measured(`${name}, realtime`, requests / 10, (emulator) => inRealtime(emulator, client));
  }
} finally {
  await rm(folder, { recursive: true, force: true });
}
