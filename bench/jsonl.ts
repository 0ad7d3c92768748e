/**
 * How fast a million JSON objects are opened, read and written, beside a loop over JSON.parse alone.
 *
 * The loop reads the file, cuts it at line feeds and parses every line, which is the least that reading
 * values takes. `open` is the first reading, which finds the columns, judges every line and hashes the
 * file; `read` is what planning reads after it; `write` puts three new members into every object. The
 * same for one array and for compressed lines, the loop still over plain lines.
 *
 * Each measurement runs in a process of its own, so that peak memory is its own, three times, and the
 * fastest counts. Compare the ratios: figures of one machine say little on another.
 * `node bench/jsonl.ts [rows]`
 */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGzip, createZstdCompress } from "node:zlib";
import type { NewCells, NewColumn } from "../src/core/column.ts";
import { openFile, writeFileFrame } from "../src/files/files.ts";

interface Measured {
  readonly seconds: number;
  readonly peakMB: number;
  readonly longestBlockMs: number;
}

/** Objects of about 230 bytes: escapes in every text, a nested object, five members. */
function object(row: number): string {
  return JSON.stringify({
    id: row,
    text: `Parcel ${row} came late; the driver said "sorry" and left it by the door of number ${row % 97}.\nI would order again, but not to be at work when it comes. é 😀`,
    category: `category ${row % 10}`,
    price: (row % 1000) / 10,
    seen: { day: `2024-01-${String((row % 28) + 1).padStart(2, "0")}`, twice: row % 3 === 0 },
  });
}

async function writeInput(path: string, rows: number, between: readonly [string, string, string]) {
  const [open, separator, close] = between;
  const stream = createWriteStream(path);
  stream.write(open);
  for (let first = 0; first < rows; first += 5000) {
    const count = Math.min(5000, rows - first);
    const texts = Array.from({ length: count }, (_, at) => object(first + at)).join(separator);
    if (!stream.write(first === 0 ? texts : separator + texts)) await once(stream, "drain");
  }
  stream.end(close);
  await once(stream, "finish");
}

/** Lines cut from chunks and parsed, and nothing else. */
async function parseAlone(path: string, rows: number): Promise<void> {
  let parsed = 0;
  let rest = "";
  const stream = createReadStream(path, { encoding: "utf8", highWaterMark: 64 * 1024 });
  for await (const chunk of stream as AsyncIterable<string>) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) parsed += typeof JSON.parse(line) === "object" ? 1 : 0;
  }
  check(parsed, rows);
}

async function opened(path: string): Promise<void> {
  const frame = await openFile(path);
  check(frame.columns.length, 5);
  await frame.fingerprint();
}

/** Reading without the first pass is what is left when the time of `open` is taken off. */
async function read(path: string, rows: number): Promise<void> {
  const frame = await openFile(path);
  let found = 0;
  for await (const block of frame.blocks(["text"], 2000)) found += block.text("text").length;
  check(found, rows);
}

async function written(path: string, rows: number): Promise<void> {
  const input = await openFile(path);
  const columns: NewColumn[] = [
    { name: "label", type: "text" },
    { name: "label_score", type: "float" },
    { name: "label_status", type: "text" },
  ];
  const output = path.replace("input", "output");
  check((await writeFileFrame({ input, output, columns, cells: newCells(rows) })).rows, rows);
}

async function* newCells(rows: number): AsyncGenerator<NewCells> {
  for (let firstRow = 0; firstRow < rows; firstRow += 1500) {
    const at = Array.from({ length: Math.min(1500, rows - firstRow) }, (_, row) => firstRow + row);
    const labels = at.map((row) => (row % 3 === 0 ? "late, but fine" : "praise"));
    const scores = at.map((row) => (row % 100) / 100);
    yield await Promise.resolve({ firstRow, columns: [labels, scores, at.map(() => "ok")] });
  }
}

function check(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} where ${expected} were due`);
}

type Task = readonly [
  name: string,
  file: string,
  run: (path: string, rows: number) => Promise<void>,
];

const lines = "input.jsonl";
const tasks: readonly Task[] = [
  ["JSON.parse alone", lines, parseAlone],
  ["lines: open", lines, opened],
  ["lines: open, read", lines, read],
  ["lines: open, write", lines, written],
  ["array: open, read", "input.json", read],
  ["array: open, write", "input.json", written],
  ["gzip: open, read", `${lines}.gz`, read],
  ["zstd: open, read", `${lines}.zst`, read],
  ["zstd: open, write", `${lines}.zst`, written],
];

async function measure(task: Task, path: string, rows: number): Promise<Measured> {
  let longestBlockMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestBlockMs = Math.max(longestBlockMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const start = performance.now();
  await task[2](path, rows);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  return { seconds, peakMB: process.resourceUsage().maxRSS / 1024, longestBlockMs };
}

function fastest(index: number, path: string, rows: number): Measured {
  const runs = Array.from({ length: 3 }, () => {
    const run = [import.meta.filename, String(rows), String(index), path];
    return JSON.parse(execFileSync(process.execPath, run, { encoding: "utf8" })) as Measured;
  });
  return runs.reduce((best, run) => (run.seconds < best.seconds ? run : best));
}

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-jsonl-"));
  try {
    const path = join(folder, lines);
    await writeInput(path, rows, ["", "\n", "\n"]);
    await writeInput(join(folder, "input.json"), rows, ["[\n", ",\n", "\n]\n"]);
    await pipeline(createReadStream(path), createGzip(), createWriteStream(`${path}.gz`));
    await pipeline(createReadStream(path), createZstdCompress(), createWriteStream(`${path}.zst`));
    const megabytes = (await stat(path)).size / 1e6;
    console.log(`${rows} rows, ${megabytes.toFixed(0)} MB, Node ${process.version}`);
    let base: number | null = null;
    for (const [index, [name, file]] of tasks.entries()) {
      const { seconds, peakMB, longestBlockMs } = fastest(index, join(folder, file), rows);
      base ??= seconds;
      const figures = [
        `${seconds.toFixed(2)} s`,
        `${(megabytes / seconds).toFixed(0)} MB/s`,
        `x ${(seconds / base).toFixed(2)}`,
        `peak ${peakMB.toFixed(0)} MB`,
        `longest block ${longestBlockMs.toFixed(0)} ms`,
      ];
      console.log([name.padEnd(20), ...figures.map((figure) => figure.padStart(14))].join(" "));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [rows = "1000000", index, path] = process.argv.slice(2);
const task = tasks[Number(index)];
if (task === undefined || path === undefined) await main(Number(rows));
else console.log(JSON.stringify(await measure(task, path, Number(rows))));
