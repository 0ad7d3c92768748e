/**
 * How fast a Parquet file of a million rows gets three new columns, beside copying it and beside polars.
 *
 * `enrich` is what batchframe does: the input's bytes copied, the chunks of the new columns appended, a
 * merged footer. Two things to hold it against, measured in the same run: `copy` + `new columns alone`
 * (the same columns written into a file of their own), which is the least it can take, and `copy` +
 * `polars rewrite` (read, add the columns, write all), which is what one would do without it. The last
 * line gives both ratios. `vectors` are the same for one column of 256 floats on a tenth of the rows.
 * Reading is measured for one column of five, beside polars reading that column into JavaScript.
 *
 * Each measurement runs in a process of its own, so that peak memory is its own, three times, and the
 * fastest counts. Compare the ratios: figures of one machine say little on another.
 * `node bench/parquet.ts [rows]`
 */

import { execFileSync } from "node:child_process";
import { copyFile, mkdtemp, open, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { NewCell, NewCells, NewColumn } from "../src/core/column.ts";
import type { Block, Frame } from "../src/frame/frame.ts";
import { writeFreshParquet, writeParquet } from "../src/frame/parquet-write.ts";
import { openParquet } from "../src/frame/parquet.ts";

interface Measured {
  readonly seconds: number;
  readonly peakMB: number;
  readonly longestBlockMs: number;
}

const groupRows = 122_880;

const words =
  "parcel driver late sorry door number refund praise colour broken happy order again home work lamp chair never always box".split(
    " ",
  );

/** Twenty words that differ from row to row, by a generator that gives the same ones every time. */
function textOf(row: number): string {
  let state = row * 2_654_435_761 + 1;
  const chosen = Array.from({ length: 20 }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return words[state % words.length] ?? "";
  });
  return `${row}: ${chosen.join(" ")}.`;
}

const writeInput: Task = async (path, rows) => {
  const { default: pl } = await polars();
  const at = Array.from({ length: rows }, (_, row) => row);
  await pl
    .DataFrame({
      id: at,
      text: at.map(textOf),
      category: at.map((row) => `category ${row % 10}`),
      price: at.map((row) => (row % 1000) / 10),
      seen: at.map((row) => row % 3 === 0),
    })
    .lazy()
    .sinkParquet(path, { rowGroupSize: groupRows, compression: "zstd" })
    .collect();
};

/** Loaded where it is measured: its binary alone is 120 MB. */
function polars() {
  return import("nodejs-polars");
}

const labels: readonly NewColumn[] = [
  { name: "label", type: "text" },
  { name: "label_score", type: "float" },
  { name: "label_status", type: "text" },
];
const vectors: readonly NewColumn[] = [{ name: "vector", type: "embedding" }];

function labelCells(row: number): readonly NewCell[] {
  return [row % 3 === 0 ? "late, but fine" : "praise", (row % 100) / 100, "ok"];
}

const vector = Float32Array.from({ length: 256 }, (_, at) => Math.sin(at));

async function* cellsOf(columns: readonly NewColumn[], rows: number): AsyncGenerator<NewCells> {
  for (let firstRow = 0; firstRow < rows; firstRow += 1500) {
    const rowCount = Math.min(1500, rows - firstRow);
    const cells = Array.from({ length: rowCount }, (_, at) =>
      columns === vectors ? [vector] : labelCells(firstRow + at),
    );
    yield await Promise.resolve({
      firstRow,
      columns: columns.map((_, at) => cells.map((row) => row[at] ?? null)),
    });
  }
}

/** Rows without columns: what is written from them is new columns alone. */
function bareFrame(rows: number): Frame {
  return {
    name: "bare",
    columns: [],
    async *blocks(_columns, maxRows): AsyncGenerator<Block> {
      for (let firstRow = 0; firstRow < rows; firstRow += maxRows) {
        const rowCount = Math.min(maxRows, rows - firstRow);
        yield await Promise.resolve({ firstRow, rowCount, text: () => [], values: () => [] });
      }
    },
    fingerprint: () => Promise.resolve(null),
  };
}

type Task = (path: string, rows: number) => Promise<void>;

function enrich(columns: readonly NewColumn[]): Task {
  return async (path, rows) => {
    const input = await openParquet(path);
    const output = `${path}.out.parquet`;
    const written = await writeParquet({ input, output, columns, cells: cellsOf(columns, rows) });
    check(written.rows, rows);
  };
}

function alone(columns: readonly NewColumn[]): Task {
  return async (path, rows) => {
    const frame = bareFrame(rows);
    const output = `${path}.alone.parquet`;
    const cells = cellsOf(columns, rows);
    const written = await writeFreshParquet({ frame, inputPath: path, output, columns, cells });
    check(written.rows, rows);
  };
}

function rewrite(columns: readonly NewColumn[]): Task {
  return async (path, rows) => {
    const { default: pl } = await polars();
    const { withNewColumns } = await import("../src/frame/polars.ts");
    const df = await pl.scanParquet(path).collect();
    const wider = await withNewColumns(df, columns, cellsOf(columns, rows));
    check(wider.height, rows);
    const output = `${path}.polars.parquet`;
    await wider
      .lazy()
      .sinkParquet(output, { rowGroupSize: groupRows, compression: "zstd" })
      .collect();
  };
}

async function copy(path: string): Promise<void> {
  const output = `${path}.copy`;
  await copyFile(path, output);
  const file = await open(output, "r+");
  await file.sync();
  await file.close();
}

async function readText(frame: Frame, rows: number): Promise<void> {
  let read = 0;
  for await (const block of frame.blocks(["text"], 2000)) read += block.text("text").length;
  check(read, rows);
}

const makeInput = "make input";
const tasks: Readonly<Record<string, Task>> = {
  [makeInput]: writeInput,
  copy,
  "new columns alone": alone(labels),
  "polars rewrite": rewrite(labels),
  enrich: enrich(labels),
  "vectors: copy": copy,
  "vectors: alone": alone(vectors),
  "vectors: polars": rewrite(vectors),
  "vectors: enrich": enrich(vectors),
  "read: polars": async (path, rows) => {
    const { default: pl } = await polars();
    const { polarsFrame } = await import("../src/frame/polars.ts");
    await readText(polarsFrame(await pl.scanParquet(path).select("text").collect()), rows);
  },
  "read: file": async (path, rows) => readText(await openParquet(path), rows),
};

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

/** One measurement in a process of its own. */
function measured(task: string, path: string, rows: number): Measured {
  const run = [import.meta.filename, String(rows), task, path];
  return JSON.parse(execFileSync(process.execPath, run, { encoding: "utf8" })) as Measured;
}

function fastest(task: string, path: string, rows: number): Measured {
  const runs = Array.from({ length: 3 }, () => measured(task, path, rows));
  return runs.reduce((best, run) => (run.seconds < best.seconds ? run : best));
}

async function main(rows: number): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "bench-parquet-"));
  try {
    const sizes = { whole: rows, tenth: Math.ceil(rows / 10) };
    const path = { whole: join(folder, "whole.parquet"), tenth: join(folder, "tenth.parquet") };
    measured(makeInput, path.whole, sizes.whole);
    measured(makeInput, path.tenth, sizes.tenth);
    const megabytes = (await stat(path.whole)).size / 1e6;
    console.log(`${rows} rows, ${megabytes.toFixed(0)} MB, Node ${process.version}`);
    const seconds = new Map<string, number>();
    for (const task of Object.keys(tasks).filter((it) => it !== makeInput)) {
      const size = task.startsWith("vectors") ? "tenth" : "whole";
      const best = fastest(task, path[size], sizes[size]);
      seconds.set(task, best.seconds);
      const figures = [
        `${best.seconds.toFixed(2)} s`,
        `peak ${best.peakMB.toFixed(0)} MB`,
        `longest block ${best.longestBlockMs.toFixed(0)} ms`,
      ];
      console.log([task.padEnd(20), ...figures.map((figure) => figure.padStart(22))].join(" "));
    }
    for (const kind of ["", "vectors: "]) {
      const of = (task: string): number => seconds.get(`${kind}${task}`) ?? Number.NaN;
      const least = of("copy") + of(kind === "" ? "new columns alone" : "alone");
      const polars = of("copy") + of(kind === "" ? "polars rewrite" : "polars");
      console.log(
        `${kind}enrich is x ${(of("enrich") / least).toFixed(2)} of copy + new columns alone, x ${(of("enrich") / polars).toFixed(2)} of copy + polars rewrite`,
      );
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}

const [rows = "1000000", task, path] = process.argv.slice(2);
if (task === undefined || path === undefined) await main(Number(rows));
else console.log(JSON.stringify(await measure(task, path, Number(rows))));
