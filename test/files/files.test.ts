import { mkdirSync, writeFileSync } from "node:fs";
import { readdir, readFile, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import pl from "nodejs-polars";
import { beforeEach, describe, expect, it } from "vitest";
import type { NewColumn } from "../../src/core/column.ts";
import { enrichFile } from "../../src/enrich.ts";
import { checkFileOutput, openFile, writeFileFrame } from "../../src/files/files.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { findRun } from "../../src/runs/runs.ts";
import { allTexts, blocksOfCells, failureOf, newFolder } from "../frame/support.ts";
import { duckdb, duckdbFile } from "../frame/typed-support.ts";
import { spawned } from "../setup/spawned.ts";

let folder: string;

beforeEach(async () => {
  folder = await newFolder();
});

function put(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
  return path;
}

const label: NewColumn = { name: "label", type: "text" };

/** Writes an input's rows to `name` with the column `label`, which says l0, l1, … */
async function labelled(
  path: string,
  name: string,
  options: Parameters<typeof openFile>[1] = {},
): Promise<Buffer> {
  const input = await openFile(path, options);
  const output = join(folder, name);
  await checkFileOutput(input, output);
  const rows = (await allTexts(input)).length;
  const cells = blocksOfCells([Array.from({ length: rows }, (_, at) => `l${at}`)]);
  const written = await writeFileFrame({ input, output, columns: [label], cells });
  expect(written.rows).toBe(rows);
  return readFile(output);
}

const csv = '\ufeffa;b\r\n1;"x"""\r\n2;\r\n';
const csvOut = '\ufeffa;b;label\r\n1;"x""";l0\r\n2;;l1\r\n';

describe("the format of an input", () => {
  it("is what its name says, compressed or not", async () => {
    expect((await openFile(put("a.csv", csv))).format).toBe("csv");
    expect((await openFile(put("a.tsv.gz", gzipSync("a\tb\n1\t2\n")))).columns).toEqual(["a", "b"]);
    const lines = zstdCompressSync('{"a":1}');
    expect((await openFile(put("a.ndjson.zst", lines))).format).toBe("jsonl");
    expect((await openFile(put("a.json", '[{"a":1}]'))).format).toBe("json");
    const parquet = await duckdbFile("select 1 as a");
    expect((await openFile(parquet)).format).toBe("parquet");
  });

  it("is what its content shows, where the name says nothing", async () => {
    expect((await openFile(put("a", gzipSync('\n{"a":1}')))).format).toBe("jsonl");
    expect((await openFile(put("b.data", '[{"a":1}]'))).format).toBe("json");
    expect((await openFile(put("c.txt", "a,b\n1,2\n"))).columns).toEqual(["a", "b"]);
    const parquet = await readFile(await duckdbFile("select 1 as a"));
    expect((await openFile(put("d", parquet))).format).toBe("parquet");
    expect((await failureOf(() => openFile(put("e.xlsx", "PK\u0003\u0004\0")))).code).toBe(
      "file_format",
    );
  });

  it("is what the caller says, whatever the name", async () => {
    const path = put("a.csv", '{"a":1}\n');
    expect((await openFile(path, { format: "jsonl" })).columns).toEqual(["a"]);
    const tabs = put("b.csv", "a,1\tb\n1\t2\n");
    expect((await openFile(tabs, { format: "tsv" })).columns).toEqual(["a,1", "b"]);
    expect((await openFile(tabs, { delimiter: "\t" })).columns).toEqual(["a,1", "b"]);
    const failure = await failureOf(() => openFile(path, { format: "jsonl", delimiter: ";" }));
    expect(failure.code).toBe("option_invalid");
    const bad = () => openFile(path, { format: "jsonl", onBadRow: "skip" });
    expect((await failureOf(bad)).message).toMatch(/too few or too many cells/);
  });

  it("may be lines though the name says array", async () => {
    const path = put("a.json", '{"a":1}\n{"a":2}\n');
    expect((await labelled(path, "out.json")).toString()).toBe(
      '{"a":1,"label":"l0"}\n{"a":2,"label":"l1"}\n',
    );
  });
});

describe("an output in the input's own format", () => {
  it.each<[string, (text: string) => Buffer, (bytes: Buffer) => Buffer]>([
    [".csv", (text) => Buffer.from(text), (bytes) => bytes],
    [".csv.gz", gzipSync, gunzipSync],
    [".csv.zst", zstdCompressSync, zstdDecompressSync],
  ])("has the input's bytes: %s", async (ending, compress, decompress) => {
    const path = put(`in${ending}`, compress(csv));
    expect(decompress(await labelled(path, `out${ending}`)).toString()).toBe(csvOut);
  });

  it("is compressed as its own name says, not as the input's does", async () => {
    const path = put("in.csv", csv);
    expect(gunzipSync(await labelled(path, "out.csv.gz")).toString()).toBe(csvOut);
    const packed = put("in.csv.zst", zstdCompressSync(csv));
    expect((await labelled(packed, "out.csv")).toString()).toBe(csvOut);
  });

  it("is that of an output without an ending", async () => {
    const path = put("in.jsonl", '{"a": 1}\n');
    expect((await labelled(path, "out")).toString()).toBe('{"a": 1, "label": "l0"}\n');
    expect((await labelled(path, "out.txt")).toString()).toBe('{"a": 1, "label": "l0"}\n');
  });

  it("keeps tabs under either name, and turns them where the name asks for commas", async () => {
    const tabs = put("in.csv", "a\t'b'\r\n1\t2\r\n");
    expect((await labelled(tabs, "out.csv")).toString()).toBe("a\t'b'\tlabel\r\n1\t2\tl0\r\n");
    expect((await labelled(tabs, "out.tsv")).toString()).toBe("a\t'b'\tlabel\r\n1\t2\tl0\r\n");
    const tsv = put("in.tsv", "a\tb\n1\tx,y\n");
    expect((await labelled(tsv, "out.csv")).toString()).toBe('a,b,label\n1,"x,y",l0\n');
    const commas = put("in2.csv", "a,b\n1,2\n");
    expect((await labelled(commas, "out2.tsv")).toString()).toBe("a\tb\tlabel\n1\t2\tl0\n");
  });

  it("keeps Parquet's types", async () => {
    const path = await duckdbFile("select 9007199254740993::bigint as i, date '2024-01-31' as d");
    await labelled(path, "out.parquet");
    const query = `select * from read_parquet('${join(folder, "out.parquet")}')`;
    const reader = await (await duckdb()).runAndReadAll(query);
    expect(reader.columnTypesJson()).toEqual(
      (
        await (await duckdb()).runAndReadAll("select 1::bigint, date '2024-01-31', ''")
      ).columnTypesJson(),
    );
    expect(reader.getRowsJson()).toEqual([["9007199254740993", "2024-01-31", "l0"]]);
  });
});

describe("an output in another format", () => {
  const inputs: [string, string | Buffer][] = [
    ["in.csv", 'a,b\n1,"x ""y"""\n2,\n'],
    ["in.tsv.gz", gzipSync('a\tb\n1\t"x ""y"""\n2\t\n')],
    ["in.jsonl", '{"a":"1","b":"x \\"y\\""}\n{"a":"2"}\n'],
    ["in.json.zst", zstdCompressSync('[{"a":"1","b":"x \\"y\\""},{"a":"2","b":null}]')],
  ];
  const outputs = ["csv", "tsv.zst", "jsonl.gz", "json", "parquet", "arrow"];

  it.each(inputs.flatMap(([name, content]) => outputs.map((to) => [name, to, content] as const)))(
    "has the same rows: %s to .%s",
    async (name, to, content) => {
      await labelled(put(name, content), `out.${to}`);
      const read = await openFile(join(folder, `out.${to}`));
      expect(read.columns).toEqual(["a", "b", "label"]);
      expect(await allTexts(read)).toEqual([
        ["1", 'x "y"', "l0"],
        ["2", null, "l1"],
      ]);
    },
  );

  it("opens in polars and DuckDB", async () => {
    const path = put("in.csv", "a,b\n1,x\n2,y\n");
    await labelled(path, "out.parquet");
    const df = pl.readParquet(join(folder, "out.parquet"));
    expect(df.rows()).toEqual([
      ["1", "x", "l0"],
      ["2", "y", "l1"],
    ]);
    await labelled(path, "out.csv.gz");
    const query = `select * from read_csv('${join(folder, "out.csv.gz")}', all_varchar = true)`;
    expect((await (await duckdb()).runAndReadAll(query)).getRowsJson()).toEqual(df.rows());
  });

  it("is refused before anything is sent where it cannot be", async () => {
    const input = await openFile(put("in.csv", csv));
    const refused = async (output: string) =>
      failureOf(() => checkFileOutput(input, join(folder, output)));
    expect((await refused("out.xlsx")).code).toBe("output_format");
    expect((await refused("out.xlsx")).hint).toMatch(/\.csv .*\.parquet/);
    expect((await refused("out.parquet.gz")).code).toBe("output_format");
    expect((await refused("in.csv")).code).toBe("output_is_input");
    expect((await refused("no/out.jsonl")).code).toBe("output_unwritable");
    const raw = await openFile(await duckdbFile("select 1 as a, '\\x00'::blob as raw"));
    const bytes = await failureOf(() => checkFileOutput(raw, join(folder, "out.csv")));
    expect(bytes.code).toBe("column_type");
    await checkFileOutput(raw, join(folder, "out.parquet"));
  });
});

describe("several files", () => {
  it("are one frame in the order of their names, and one output", async () => {
    put("parts/2.csv", "a,b\r\n3,4\r\n");
    put("parts/1.csv", "\ufeffa,b\r\n1,2");
    put("parts/3.csv.gz", gzipSync("\ufeff\na,b\n5,6\n\n"));
    put("parts/_SUCCESS", "");
    const expected = "\ufeffa,b,label\r\n1,2,l0\r\n3,4,l1\r\n5,6,l2\n\n";
    expect((await labelled(join(folder, "parts"), "out.csv")).toString()).toBe(expected);
    const frame = await openFile(join(folder, "parts", "*.csv*"));
    expect([frame.name, frame.files.length]).toEqual(["parts", 3]);
  });

  it("are read anew with their output among them", async () => {
    put("1.csv", "a\n1\n");
    put("2.csv", "a\n2\n");
    const pattern = join(folder, "*.csv");
    const first = await labelled(pattern, "all.csv");
    const again = await labelled(pattern, "all.csv", { output: join(folder, "all.csv") });
    expect(again.toString()).toBe(first.toString());
    expect((await failureOf(() => openFile(pattern))).code).toBe("parts_differ");
  });

  it("are JSON Lines of which some lack names", async () => {
    put("parts/1.jsonl", '{"a":1}');
    put("parts/2.jsonl", '{"b":2}\n');
    const out = await labelled(join(folder, "parts"), "out.jsonl");
    expect(out.toString()).toBe('{"a":1,"label":"l0"}\n{"b":2,"label":"l1"}\n');
    expect((await labelled(join(folder, "parts"), "out.csv")).toString()).toBe(
      "a,b,label\n1,,l0\n,2,l1\n",
    );
  });

  it("of one format and one header, or they are refused by name", async () => {
    put("x/1.csv", "a,b\n1,2\n");
    const other = put("x/2.tsv", "a\tb\n1\t2\n");
    const formats = await failureOf(() => openFile(join(folder, "x")));
    expect(formats.code).toBe("parts_differ");
    expect(formats.message).toContain(other);
    put("y/1.csv", "a,b\n1,2\n");
    const delimiter = put("y/2.csv", "a;b\n1;2\n");
    const cut = await failureOf(() => openFile(join(folder, "y")));
    expect(cut.message).toContain(delimiter);
    put("z/1.csv", "a,b\n1,2\n");
    const ragged = put("z/2.csv", "a,b\n1,2\n3\n");
    const broken = await failureOf(async () => allTexts(await openFile(join(folder, "z"))));
    expect(broken.message).toContain(`Line 3 of ${ragged}`);
  });

  it("of Parquet are read as one", async () => {
    for (const [at, path] of [
      await duckdbFile("select 1 as a"),
      await duckdbFile("select 2 as a"),
    ].entries())
      put(`p/${at}.parquet`, await readFile(path));
    expect((await labelled(join(folder, "p"), "out.jsonl")).toString()).toBe(
      '{"a":1,"label":"l0"}\n{"a":2,"label":"l1"}\n',
    );
  });
});

describe("bad rows", () => {
  it("are told file by file", async () => {
    put("parts/1.csv", "a,b\n1,2\n");
    const path = put("parts/2.csv", "a,b\n1\n2,3\n");
    const frame = await openFile(join(folder, "parts"), { onBadRow: "skip" });
    expect(await frame.badRows()).toEqual([
      { path, count: 1, first: [{ line: 2, why: "ragged", cells: 1 }] },
    ]);
    const strict = await openFile(put("one.csv", "a\n1\n"));
    expect(await strict.badRows()).toEqual([]);
  });
});

describe("pipes", () => {
  const files = fileURLToPath(new URL("../../src/files/files.ts", import.meta.url));
  const script = `
    const { openFile, writeFileFrame } = await import(${JSON.stringify(files)});
    const input = await openFile("-");
    // Opened twice, as a run that is planned and then driven does.
    const again = await openFile("-");
    const rows = [];
    for await (const block of again.blocks(again.columns, 1000)) rows.push(...block.text(again.columns[0]));
    async function* cells() {
      yield { firstRow: 0, columns: [rows.map((cell) => cell + "!")] };
    }
    const columns = [{ name: "label", type: "text" }];
    await writeFileFrame({ input, output: "-", columns, cells: cells() });
    process.stderr.write(JSON.stringify({ name: input.name, format: input.format, path: input.files[0].frame.path }));`;

  function piped(content: string | Buffer) {
    const path = put("piped", content);
    const command = `"$0" --input-type=module -e "$1" < "$2"`;
    return spawned("sh", ["-c", command, process.execPath, script, path]).ended;
  }

  it.each([
    ["csv", "a,b\n1,2\n", "a,b,label\n1,2,1!\n"],
    ["jsonl", '{"a": 1}\n', '{"a": 1, "label": "1!"}\n'],
    ["csv", gzipSync("a;b\r\n1;2\r\n"), "a;b;label\r\n1;2;1!\r\n"],
  ])(
    "are read to their end, told apart as %s, and written in row order",
    async (format, content, out) => {
      const { stdout, stderr } = await piped(content);
      expect(stdout).toBe(out);
      const told = JSON.parse(stderr) as { name: string; format: string; path: string };
      expect(told).toMatchObject({ name: "stdin", format });
      // What was kept of it is gone with the process.
      await expect(stat(dirname(told.path))).rejects.toThrow("ENOENT");
    },
  );

  it("carry more than fits into one at a time", async () => {
    const rows = Array.from({ length: 30_000 }, (_, at) => `row ${at}`);
    const { stdout } = await piped(`a\n${rows.join("\n")}\n`);
    expect(stdout).toBe(`a,label\n${rows.map((row) => `${row},${row}!`).join("\n")}\n`);
  });

  it("that nobody reads any more end the writing with an error, not the process", async () => {
    const rows = Array.from({ length: 100_000 }, (_, at) => `row ${at}`);
    const path = put("piped", `a\n${rows.join("\n")}\n`);
    const told = `try { ${script} } catch (error) { process.stderr.write(error.code); }`;
    const command = `"$0" --input-type=module -e "$1" < "$2" | head -n 1`;
    const { stdout, stderr } = await spawned("sh", ["-c", command, process.execPath, told, path])
      .ended;
    expect(stdout).toBe("a,label\n");
    expect(stderr).toBe("output_unwritable");
  });
});

describe("a run over a file", () => {
  const options = () => ({
    column: "s",
    output: { labels: ["positive", "negative"] as const },
    runDir: join(folder, "runs"),
  });

  it("takes lines and gives an array, values as they are", async () => {
    const lines = '{"id":9007199254740993,"t":"I love it"}\n{"id":2}\n';
    const input = put("in.jsonl.gz", gzipSync(lines));
    const output = join(folder, "out.json");
    await enrichFile({ input, output }, "{{ t }}", "embedded/use-lite", options());
    expect(await readFile(output, "utf8")).toBe(
      '[\n{"id":9007199254740993,"t":"I love it","s":"positive","s_status":"ok","s_error":null},\n{"id":2,"s":null,"s_status":"skipped","s_error":null}\n]\n',
    );
  });

  it("passes bad rows on unasked, and reads the file the same way when it is gone on with", async () => {
    const input = put("in.csv", Buffer.from("id,t\n1,I love it\n2\n3,caf\xe9\n", "latin1"));
    const output = join(folder, "out.csv");
    const files = { input, output, reading: { onBadRow: "keep" } } as const;
    await enrichFile(files, "{{ t }}", "embedded/use-lite", { ...options(), name: "kept" });
    const out = (await readFile(output, "latin1")).split("\n");
    expect(out[1]).toBe("1,I love it,positive,ok,");
    expect(out.slice(2, 4)).toEqual([
      expect.stringMatching(/^2,,,skipped,/),
      expect.stringMatching(/^3,caf\xe9,,skipped,/),
    ]);
    const again = join(folder, "again.csv");
    await resumeRun(await findRun("kept", options().runDir), { output: again });
    expect(await readFile(again)).toEqual(await readFile(output));
  });
});

it("leaves nothing but the output behind", async () => {
  await labelled(put("in.csv", csv), "out.jsonl.zst");
  expect(await readdir(folder)).toEqual(["in.csv", "out.jsonl.zst"]);
});
