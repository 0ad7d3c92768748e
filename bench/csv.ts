/**
 * How fast a CSV of a million rows is read and written, beside a loop over csv-parse alone.
 *
 * Each measurement runs in a process of its own, so that peak memory is its own. Compare the ratios:
 * figures of one machine say little on another. `node bench/csv.ts [rows]`
 */

import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse";
import type { NewCells, NewColumn } from "../src/core/column.ts";
import { writeCsv } from "../src/frame/csv-write.ts";
import { openCsv } from "../src/frame/csv.ts";

interface Measured {
  readonly seconds: number;
  readonly peakMB: number;
  readonly longestBlockMs: number;
}

/** Rows of about 190 bytes: quotes, a line end inside quotes in one of 13, five columns. */
async function writeInput(path: string, rows: number): Promise<void> {
  const stream = createWriteStream(path);
  stream.write("id,text,category,price,date\n");
  for (let first = 0; first < rows; first += 5000) {
    const lines = Array.from({ length: Math.min(5000, rows - first) }, (_, at) => line(first + at));
    if (!stream.write(lines.join(""))) await once(stream, "drain");
  }
  stream.end();
  await once(stream, "finish");
}

function line(row: number): string {
  const second = row % 13 === 0 ? "\nA second line, with an é and a 😀." : "";
  const text = `Parcel ${row} came late; the driver said ""sorry"" and left it by the door of number ${row % 97}. I would order again, but not to be at work when it comes.${second}`;
  const day = String((row % 28) + 1).padStart(2, "0");
  return `${row},"${text}",category ${row % 10},${(row % 1000) / 10},2024-01-${day}\n`;
}

const tasks: Readonly<Record<string, (path: string, rows: number) => Promise<void>>> = {
  "csv-parse alone": async (path, rows) => {
    let records = 0;
    for await (const record of createReadStream(path).pipe(parse()) as AsyncIterable<string[]>) {
      records += record.length > 0 ? 1 : 0;
    }
    check(records, rows + 1);
  },
  "read 1 column of 5": async (path, rows) => {
    const frame = await openCsv(path);
    let read = 0;
    for await (const block of frame.blocks(["text"], 2000)) read += block.text("text").length;
    check(read, rows);
  },
  "write 3 new columns": async (path, rows) => {
    const columns: NewColumn[] = [
      { name: "label", type: "text" },
      { name: "label_score", type: "float" },
      { name: "label_status", type: "text" },
    ];
    const input = await openCsv(path);
    const options = { input, output: `${path}.out`, columns, cells: newCells(rows) };
    check((await writeCsv(options)).rows, rows);
  },
};

async function* newCells(rows: number): AsyncGenerator<NewCells> {
  for (let firstRow = 0; firstRow < rows; firstRow += 1500) {
    const at = Array.from({ length: Math.min(1500, rows - firstRow) }, (_, row) => firstRow + row);
    const labels = at.map((row) => (row % 3 === 0 ? "late, but fine" : "praise"));
    const scores = at.map((row) => (row % 100) / 100);
    yield await Promise.resolve({ firstRow, columns: [labels, scores, at.map(() => "ok")] });
  }
}

function check(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} rows where ${expected} were due`);
}

async function measure(task: string, path: string, rows: number): Promise<Measured> {
  let longestBlockMs = 0;
  let last = performance.now();
  const timer = setInterval(() => {
    longestBlockMs = Math.max(longestBlockMs, performance.now() - last);
    last = performance.now();
  }, 1);
  const start = performance.now();
  await tasks[task]?.(path, rows);
  const seconds = (performance.now() - start) / 1000;
  clearInterval(timer);
  return { seconds, peakMB: process.resourceUsage().maxRSS / 1024, longestBlockMs };
}

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-csv-"));
  try {
    const path = join(folder, "input.csv");
    await writeInput(path, rows);
    const megabytes = (await stat(path)).size / 1e6;
    console.log(`${rows} rows, ${megabytes.toFixed(0)} MB, Node ${process.version}`);
    let base: number | null = null;
    for (const task of Object.keys(tasks)) {
      const run = [import.meta.filename, String(rows), task, path];
      const out = execFileSync(process.execPath, run, { encoding: "utf8" });
      const { seconds, peakMB, longestBlockMs } = JSON.parse(out) as Measured;
      base ??= seconds;
      const figures = [
        `${seconds.toFixed(2)} s`,
        `${(megabytes / seconds).toFixed(0)} MB/s`,
        `x ${(seconds / base).toFixed(2)}`,
        `peak ${peakMB.toFixed(0)} MB`,
        `longest block ${longestBlockMs.toFixed(0)} ms`,
      ];
      console.log([task.padEnd(20), ...figures.map((figure) => figure.padStart(14))].join(" "));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [rows = "1000000", task, path] = process.argv.slice(2);
if (task === undefined || path === undefined) await main(Number(rows));
else console.log(JSON.stringify(await measure(task, path, Number(rows))));
