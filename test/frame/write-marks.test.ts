/** Writes that are killed go on from their last mark: the same bytes, and nothing before the mark done again. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, truncate, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import * as arrow from "apache-arrow";
import { describe, expect, it } from "vitest";
import { openFile, writeFileFrame } from "../../src/files/files.ts";
import { TEMPORARY_NAME, type WriteResume } from "../../src/frame/write-marks.ts";
import { newFolder } from "./support.ts";
import { duckdb } from "./typed-support.ts";
import { cellsOf, keeperOf, newColumns, type WriteJob } from "./write-job.ts";

const ROWS = 30_000;
const subject = (row: number): string =>
  `text ${String(row)}, "${"x".repeat(row % 50)}"\nof two lines`;
const rowNumbers = Array.from({ length: ROWS }, (_, row) => row);

const csv = (rows: readonly number[], end: string): string =>
  rows.map((row) => `${String(row)},"${subject(row).replaceAll('"', '""')}"${end}`).join("");
const json = (row: number): string =>
  `{"id": ${String(row)}, "text": ${JSON.stringify(subject(row))}}`;

/** Inputs by name: files to be made below a folder, and the path to give. */
const inputs: Readonly<Record<string, (folder: string) => Promise<string>>> = {
  csv: async (folder) => {
    const path = join(folder, "in.csv");
    // No last line ending, and blank lines on the way.
    const text = `\ufeffid,text\r\n${csv(rowNumbers, "\r\n").replaceAll("\r\n7", "\r\n\r\n7")}`;
    await writeFile(path, text.replace(/\r\n$/, ""));
    return path;
  },
  "parts of csv": async (folder) => {
    for (const part of [0, 1, 2]) {
      const rows = rowNumbers.slice(part * 10_000, (part + 1) * 10_000);
      const text = `id,text\n${csv(rows, "\n")}`;
      await writeFile(
        join(folder, `part${String(part)}.csv`),
        part === 1 ? text.trimEnd() : `${text}\n`,
      );
    }
    return join(folder, "part*.csv");
  },
  parquet: async (folder) => {
    const path = join(folder, "in.parquet");
    await (
      await duckdb()
    ).run(
      `copy (select range as id, repeat('x', (range % 50)::int) as text from range(${String(ROWS)})) to '${path}' (format parquet, row_group_size 4096)`,
    );
    return path;
  },
  arrow: async (folder) => {
    const path = join(folder, "in.arrow");
    // A dictionary that all batches share, and text.
    const table = new arrow.Table({
      kind: arrow.vectorFromArray(
        rowNumbers.map((row) => `kind ${String(row % 5)}`),
        new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32()),
      ),
      text: arrow.vectorFromArray(rowNumbers.map(subject), new arrow.Utf8()),
    });
    const [whole] = table.batches;
    if (whole === undefined) throw new Error("no batch");
    const cuts = Array.from({ length: 15 }, (_, at) => whole.slice(at * 2000, (at + 1) * 2000));
    await writeFile(path, arrow.tableToIPC(new arrow.Table(cuts), "file"));
    return path;
  },
  jsonl: async (folder) => {
    const path = join(folder, "in.jsonl");
    await writeFile(path, `\ufeff${rowNumbers.map(json).join("\n\n")}`);
    return path;
  },
  "parts of jsonl": async (folder) => {
    for (const part of [0, 1, 2]) {
      const rows = rowNumbers.slice(part * 10_000, (part + 1) * 10_000);
      const end = part === 1 ? "" : "\n";
      await writeFile(
        join(folder, `part${String(part)}.jsonl`),
        `\ufeff${rows.map(json).join("\n")}${end}`,
      );
    }
    return join(folder, "part*.jsonl");
  },
  "wide csv": async (folder) => {
    const path = join(folder, "in.csv");
    const wide = rowNumbers.map((row) => `${String(row)},${"é".repeat(600)}\n`);
    await writeFile(path, `id,text\n${wide.join("")}`);
    return path;
  },
  json: async (folder) => {
    const path = join(folder, "in.json");
    await writeFile(path, `[\n  ${rowNumbers.map(json).join(",\n  ")}\n]\n`);
    return path;
  },
};

/** From, to, and a row before which a mark is sure to have been made. */
const ways: readonly (readonly [from: string, ending: string])[] = [
  ["csv", "csv"],
  ["parts of csv", "csv"],
  ["parquet", "parquet"],
  ["jsonl", "jsonl"],
  ["parts of jsonl", "jsonl"],
  ["json", "json"],
  ["jsonl", "json"],
  ["json", "csv"],
  ["parquet", "jsonl"],
  ["csv", "json"],
  ["parts of jsonl", "json"],
  ["arrow", "arrow"],
  ["csv", "arrow"],
  ["csv", "arrows"],
  ["parquet", "arrow"],
];

async function killed(job: WriteJob): Promise<void> {
  const child = spawn(process.execPath, [join(import.meta.dirname, "write-child.ts")], {
    stdio: ["ignore", "inherit", "inherit"],
    env: { ...process.env, WRITE_JOB: JSON.stringify(job) },
  });
  const [code, signal] = (await once(child, "close")) as [number | null, string | null];
  expect([code, signal]).toEqual([null, "SIGKILL"]);
}

/** Writes to the end in this process; gives the rows whose cells were asked for first. */
async function written(
  { input, output, rows, ...job }: WriteJob,
  resume: { readonly journal: string; readonly key?: string } | null,
): Promise<{
  readonly from: number;
  readonly told: object;
}> {
  const asked: number[] = [];
  const source = cellsOf({ rows }, (row) => {
    asked.push(row);
  });
  const marked: { resume?: WriteResume } =
    resume === null ? {} : { resume: { key: "the same", ...resume, source, everyMs: 0 } };
  const { keeper, counts } = keeperOf(job);
  const told = await writeFileFrame({
    ...{ input: await openFile(input), output, columns: newColumns, ...marked },
    ...(keeper === undefined ? {} : { keeper }),
    cells: source.cellsFrom({ firstRow: 0, counted: 0 }),
  });
  return { from: asked[0] ?? -1, told: { ...told, ...counts } };
}

async function jobFor(
  from: string,
  ending: string,
  killAt: number,
  leavesOut = false,
): Promise<WriteJob> {
  const folder = await newFolder();
  for (const name of ["in", "run", "out"]) await mkdir(join(folder, name));
  const make = inputs[from];
  if (make === undefined) throw new Error(from);
  return {
    input: await make(join(folder, "in")),
    output: join(folder, "out", `out.${ending}`),
    journal: join(folder, "run", "writing.json"),
    rows: ROWS,
    ...{ killAt, leavesOut },
  };
}

/** Of these some rows are left out. */
const lossy: readonly (readonly [from: string, ending: string])[] = [
  ["csv", "csv"],
  ["json", "json"],
  ["jsonl", "jsonl"],
  ["parquet", "json"],
  ["parquet", "csv"],
  ["arrow", "arrow"],
];

/** Compressed text is marked after some megabytes. */
const packed: readonly (readonly [from: string, ending: string])[] = [
  ["wide csv", "csv.gz"],
  ["wide csv", "csv.zst"],
  ["wide csv", "jsonl.zst"],
];

describe.each([
  ...ways.map((way) => [...way, false] as const),
  ...packed.map((way) => [...way, false] as const),
  ...[...lossy, ...packed].map((way) => [...way, true] as const),
])("%s to .%s, leaving rows out: %s", (from, ending, leavesOut) => {
  it("goes on after each of three kills, to the same bytes", { timeout: 60_000 }, async () => {
    const first = await jobFor(from, ending, 9_100, leavesOut);
    const plainly = { ...first, output: first.output.replace("out.", "whole.") };
    const whole = await written(plainly, null);
    let before = 0;
    for (const killAt of [9_100, 18_200, 28_000]) {
      await killed({ ...first, killAt });
      const { mark } = JSON.parse(await readFile(first.journal, "utf8")) as {
        readonly mark: { readonly rows: number };
      };
      expect(mark.rows).toBeGreaterThan(before);
      before = mark.rows;
    }
    const { from: row, told } = await written(first, first);
    // Not asked for again: what stands before the last mark.
    expect(row).toBeGreaterThan(before - 701);
    expect(row).toBeGreaterThan(ending.includes(".") ? 14_000 : 18_000);
    expect((await readFile(first.output)).equals(await readFile(plainly.output))).toBe(true);
    expect(told).toEqual(whole.told);
    expect(await readdir(dirname(first.output))).toHaveLength(2);
    expect(await readdir(dirname(first.journal))).toEqual([]);
  });
});

it.each([
  ["csv", false],
  ["parquet", true],
])(
  "rows of %s to Parquet go on after a row group, leaving rows out: %s",
  async (from, leavesOut) => {
    const folder = await newFolder();
    const [input, journal] = [join(folder, `in.${from}`), join(folder, "writing.json")];
    const rows = 260_000;
    const how = from === "csv" ? "csv, header" : "parquet";
    await (
      await duckdb()
    ).run(`copy (select range as id from range(${String(rows)})) to '${input}' (format ${how})`);
    const job = {
      ...{ input, journal, rows, leavesOut },
      ...{ output: join(folder, "out.parquet"), killAt: 240_000 },
    };
    await killed(job);
    const { from: row, told } = await written(job, job);
    expect(row).toBeGreaterThanOrEqual(Math.floor(122_880 / 700) * 700);
    const plainly = { ...job, output: join(folder, "whole.parquet") };
    expect(told).toEqual((await written(plainly, null)).told);
    expect((await readFile(job.output)).equals(await readFile(plainly.output))).toBe(true);
  },
);

describe("a write that was killed begins anew", () => {
  const begun = async (): Promise<{ job: WriteJob; temporary: string }> => {
    const job = await jobFor("csv", "csv", 18_200);
    await killed(job);
    const [name = ""] = await readdir(dirname(job.output));
    expect(name).toMatch(TEMPORARY_NAME);
    return { job, temporary: join(dirname(job.output), name) };
  };
  const endsAnew = async (job: WriteJob, resume = {}): Promise<void> => {
    const { from } = await written(job, { ...job, ...resume });
    expect(from).toBe(0);
    const plainly = { ...job, output: join(dirname(job.output), "whole.csv") };
    await written(plainly, null);
    expect((await readFile(job.output)).equals(await readFile(plainly.output))).toBe(true);
    // What was left of the killed write went with it.
    expect(await readdir(dirname(job.output))).toHaveLength(2);
  };

  it("where a byte before the mark was changed", async () => {
    const { job, temporary } = await begun();
    const bytes = await readFile(temporary);
    bytes[1000] = (bytes[1000] ?? 0) ^ 1;
    await writeFile(temporary, bytes);
    await endsAnew(job);
  });

  it("where the file is shorter than its mark says", async () => {
    const { job, temporary } = await begun();
    await truncate(temporary, 1000);
    await endsAnew(job);
  });

  it("where the file is gone", async () => {
    const { job, temporary } = await begun();
    expect((await stat(temporary)).size).toBeGreaterThan(0);
    await writeFile(temporary, "");
    await endsAnew(job);
  });

  it("where it was made of something else", async () => {
    const { job } = await begun();
    await endsAnew(job, { key: "another" });
  });

  it("where another version of the package wrote it", async () => {
    const { job } = await begun();
    const entry = JSON.parse(await readFile(job.journal, "utf8")) as object;
    await writeFile(job.journal, JSON.stringify({ ...entry, version: "0.0.9" }));
    await endsAnew(job);
  });

  it("where its journal says nothing", async () => {
    const { job } = await begun();
    const [left = ""] = await readdir(dirname(job.output));
    await writeFile(job.journal, '{"key":');
    const { from } = await written(job, job);
    expect(from).toBe(0);
    // Nobody knows any more whose it is.
    expect(await readdir(dirname(job.output))).toContain(left);
  });

  it("and removes nothing that a journal names but no write of ours has left", async () => {
    const { job, temporary } = await begun();
    const other = join(dirname(job.output), "precious.csv");
    await writeFile(other, "kept");
    const entry = JSON.parse(await readFile(job.journal, "utf8")) as object;
    await writeFile(job.journal, JSON.stringify({ ...entry, temporary: other }));
    await written(job, job);
    expect(await readFile(other, "utf8")).toBe("kept");
    expect((await stat(temporary)).size).toBeGreaterThan(0);
  });
});

it("a write that fails leaves neither file nor mark", async () => {
  const job = await jobFor("csv", "csv", ROWS);
  const source = cellsOf(job, (row) => {
    if (row > 20_000) throw new Error("no more cells");
  });
  const resume = { journal: job.journal, key: "k", source, everyMs: 0 };
  await expect(
    writeFileFrame({
      ...{ input: await openFile(job.input), output: job.output, columns: newColumns, resume },
      cells: source.cellsFrom({ firstRow: 0, counted: 0 }),
    }),
  ).rejects.toThrow("no more cells");
  expect(await readdir(dirname(job.output))).toEqual([]);
  expect(await readdir(dirname(job.journal))).toEqual([]);
});
