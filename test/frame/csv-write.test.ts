import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, link, mkdir, readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import fc from "../property.ts";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import type { NewCell, NewCells, NewColumn } from "../../src/core/column.ts";
import { checkOutput } from "../../src/frame/csv-output.ts";
import { writeCsv, writeCsvParts } from "../../src/frame/csv-write.ts";
import { openCsv } from "../../src/frame/csv.ts";
import { allTexts, blocksOfCells, failureOf, fileOf, newFolder } from "./support.ts";

const text = (name: string): NewColumn => ({ name, type: "text" });

/** Writes `content` with one new column `new` and gives the output. */
async function enriched(content: string, cells: readonly NewCell[]): Promise<string> {
  const path = await fileOf(content);
  const output = join(dirname(path), "out.csv");
  const input = await openCsv(path);
  await writeCsv({ input, output, columns: [text("new")], cells: blocksOfCells([cells]) });
  return readFile(output, "utf8");
}

describe("writeCsv of a file without a header", () => {
  it("writes none, and every line with its new cell", async () => {
    const path = await fileOf("\ufeffa,1\r\nb,2");
    const output = join(dirname(path), "out.csv");
    const input = await openCsv(path, { header: false });
    const cells = blocksOfCells([["x", "y"]]);
    const written = await writeCsv({ input, output, columns: [text("new")], cells });
    expect(written.rows).toBe(2);
    expect(await readFile(output, "utf8")).toBe("\ufeffa,1,x\r\nb,2,y");
  });

  it("puts parts together by the line end of the first row", async () => {
    const paths = [await fileOf("a,1\r\nb,2"), await fileOf("c,3")];
    const output = join(dirname(paths[0] ?? ""), "out.csv");
    const inputs = await Promise.all(paths.map((path) => openCsv(path, { header: false })));
    const cells = blocksOfCells([["x", "y", "z"]]);
    await writeCsvParts({ inputs, output, columns: [text("new")], cells });
    expect(await readFile(output, "utf8")).toBe("a,1,x\r\nb,2,y\r\nc,3,z");
  });
});

describe("writeCsv keeps the input as it is", () => {
  const corpus: Record<string, [content: string, cells: string[], output: string]> = {
    LF: ["a,b\n1,2\n", ["x"], "a,b,new\n1,2,x\n"],
    CRLF: ["a,b\r\n1,2\r\n", ["x"], "a,b,new\r\n1,2,x\r\n"],
    CR: ["a,b\r1,2\r", ["x"], "a,b,new\r1,2,x\r"],
    "mixed line ends, record by record": [
      "a,b\n1,2\r\n3,4\n5,6\r\n",
      ["x", "y", "z"],
      "a,b,new\n1,2,x\r\n3,4,y\n5,6,z\r\n",
    ],
    "no line end at the end": ["a,b\n1,2", ["x"], "a,b,new\n1,2,x"],
    "a last CR that is text": ["a,b\n1,2\r", ["x"], "a,b,new\n1,2\r,x"],
    "a byte order mark": ["\ufeffa,b\n1,2\n", ["x"], "\ufeffa,b,new\n1,2,x\n"],
    "needless quotes, doubled quotes, line ends in quotes": [
      '"a","b"\n"1","2 ""q"" \r\n\n3"\n',
      ["x"],
      '"a","b",new\n"1","2 ""q"" \r\n\n3",x\n',
    ],
    "blank lines before, between and after": [
      "\n\na,b\n1,2\n\r\n\n3,4\n\n\n",
      ["x", "y"],
      "\n\na,b,new\n1,2,x\n\r\n\n3,4,y\n\n\n",
    ],
    "missing cells, also of a one-column file": ["a\nx\n\n", ["1", "2"], "a,new\nx,1\n,2\n"],
    "semicolons, with cells that hold them": ["a;b\n1;2\n", ["x;y,z"], 'a;b;new\n1;2;"x;y,z"\n'],
    tabs: ["a\tb\n1\t2\n", ["x\ty"], 'a\tb\tnew\n1\t2\t"x\ty"\n'],
    "NUL bytes": ["a,b\n\0,2\n", ["x"], "a,b,new\n\0,2,x\n"],
  };

  it.each(Object.entries(corpus))("%s", async (_name, [content, cells, output]) => {
    expect(await enriched(content, cells)).toBe(output);
  });

  it("whatever the table, its writing and the new cells", async () => {
    const cell = fc
      .array(fc.constantFrom('"', ",", "\n", "\r\n", "a", "é", "😀", " ", "=", "0"))
      .map((parts) => parts.join(""));
    const written = fc.oneof(
      cell.filter((value) => !/[",\r\n]/.test(value)),
      cell.map((value) => `"${value.replaceAll('"', '""')}"`),
    );
    const table = fc.record({
      rows: fc.array(fc.tuple(written, written, fc.option(cell), fc.integer({ min: 0, max: 2 })), {
        minLength: 1,
        maxLength: 12,
      }),
      terminators: fc.array(fc.constantFrom("\n", "\r\n"), { minLength: 1, maxLength: 3 }),
      bom: fc.constantFrom("", "\ufeff"),
      sizes: fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 3 }),
      lastEnds: fc.boolean(),
    });
    const path = await fileOf("");
    const output = join(dirname(path), "out.csv");
    await fc.assert(
      fc.asyncProperty(table, async ({ rows, terminators, bom, sizes, lastEnds }) => {
        const end = (at: number) => terminators[at % terminators.length] ?? "\n";
        const isLast = (at: number) => at === rows.length - 1;
        const before = rows.map(([a, b, , blanks], at) => ({
          blanks: end(at).repeat(blanks),
          cells: `${a},${b}`,
          end: isLast(at) && !lastEnds ? "" : end(at + 1),
        }));
        const original = before.map((row) => row.blanks + row.cells + row.end).join("");
        await writeFile(path, `${bom}a,b${end(0)}${original}`);
        const input = await openCsv(path, { delimiter: "," });
        const news = rows.map(([, , value]) => value);
        const cells = blocksOfCells([news, news.map((_, at) => at)], sizes);
        const columns: NewColumn[] = [text("t"), { name: "n", type: "integer" }];
        const result = await writeCsv({ input, output, columns, cells });
        const bytes = await readFile(output, "utf8");
        // Read back, the new cells are the ones given; taken out, the rest is the input byte for byte.
        const read = await allTexts(await openCsv(output, { delimiter: "," }), {
          columns: ["t", "n"],
        });
        const shown = news.map((value) =>
          value !== null && /^[=\r]/.test(value) ? `'${value}` : value,
        );
        expect(read).toEqual(shown.map((value, at) => [value, String(at)]));
        const after = before.map((row, at) => {
          const value = shown[at] ?? null;
          const mustQuote = value === "" || /[",\r\n]/.test(value ?? "");
          const field = mustQuote ? `"${value?.replaceAll('"', '""') ?? ""}"` : (value ?? "");
          return `${row.blanks}${row.cells},${field},${at}${row.end}`;
        });
        expect(bytes).toBe(`${bom}a,b,t,n${end(0)}${after.join("")}`);
        expect(result.rows).toBe(rows.length);
        expect(result.bytes).toBe(Buffer.byteLength(bytes));
      }),
      { numRuns: 300 },
    );
  });

  it("over many chunks, with blocks of another size than the reader's", async () => {
    const rows = Array.from({ length: 20_000 }, (_, at) => `${at},"text ${at}\nof two lines"`);
    const path = await fileOf(`id,text\n${rows.join("\r\n")}\r\n`);
    const output = join(dirname(path), "out.csv");
    const cells = blocksOfCells([rows.map((_, at) => at)], [700, 1, 2999]);
    const input = await openCsv(path);
    await writeCsv({ input, output, columns: [{ name: "n", type: "integer" }], cells });
    const expected = rows.map((row, at) => `${row},${at}\r\n`).join("");
    expect(await readFile(output, "utf8")).toBe(`id,text,n\n${expected}`);
  });
});

describe("new cells", () => {
  it("are written by type", async () => {
    const path = await fileOf("a\n1\n2\n");
    const output = join(dirname(path), "out.csv");
    const columns: NewColumn[] = [
      text("t"),
      { name: "f", type: "float" },
      { name: "i", type: "integer" },
      { name: "b", type: "boolean" },
      { name: "e", type: "embedding" },
    ];
    const cells = blocksOfCells([
      [null, ""],
      [0.1, 1e21],
      [-5, null],
      [true, false],
      [new Float32Array([0.1, 1]), null],
    ]);
    await writeCsv({ input: await openCsv(path), output, columns, cells });
    expect(await readFile(output, "utf8")).toBe(
      'a,t,f,i,b,e\n1,,0.1,-5,true,"[0.100000001,1]"\n2,"",1e+21,,false,\n',
    );
  });

  it("that a spreadsheet would run get an apostrophe, and are counted", async () => {
    const path = await fileOf("a\n=1+1\n1\n1\n1\n1\n1\n");
    const output = join(dirname(path), "out.csv");
    const cells = [["=1+1", "+1.5e3", "-", "@x", "\tx", "plain"]];
    const input = await openCsv(path);
    const result = await writeCsv({
      input,
      output,
      columns: [text("t")],
      cells: blocksOfCells(cells),
    });
    expect(result).toMatchObject({ rows: 6, neutralisedCells: 4 });
    expect(await readFile(output, "utf8")).toBe(
      "a,t\n=1+1,'=1+1\n1,+1.5e3\n1,'-\n1,'@x\n1,'\tx\n1,plain\n",
    );
  });

  it("are what polars reads", async () => {
    const cells = ['"', "a,b", "x\r\ny", "", null, "😀"];
    const path = await fileOf(`id\n${cells.map((_, at) => `${at}\n`).join("")}`);
    const output = join(dirname(path), "out.csv");
    await writeCsv({
      input: await openCsv(path),
      output,
      columns: [text("my column")],
      cells: blocksOfCells([cells]),
    });
    const df = pl.readCSV(output, { inferSchemaLength: 0 });
    expect(df.getColumn("my column").toArray()).toEqual(cells);
  });
});

describe("cells that are not one per row", () => {
  async function* blocks(...given: readonly NewCells[]): AsyncGenerator<NewCells> {
    for (const block of given) yield await Promise.resolve(block);
  }
  const one = (firstRow: number, count: number): NewCells => ({
    firstRow,
    columns: [Array<string>(count).fill("x")],
  });
  const cases: Record<string, [cells: readonly NewCells[], code: string]> = {
    "too few": [[one(0, 2)], "cells_count"],
    none: [[], "cells_count"],
    "too many": [[one(0, 4)], "cells_count"],
    "a block too many": [[one(0, 3), one(3, 1)], "cells_count"],
    "a gap": [[one(0, 1), one(2, 1)], "cells_misaligned"],
    "an overlap": [[one(0, 2), one(1, 1)], "cells_misaligned"],
    "a column too many": [[{ firstRow: 0, columns: [["x"], ["x"]] }], "cells_misaligned"],
  };

  it.each(Object.entries(cases))("%s", async (_name, [cells, code]) => {
    const path = await fileOf("a\n1\n2\n3\n");
    const output = join(dirname(path), "out.csv");
    await writeFile(output, "old");
    const input = await openCsv(path);
    const failure = await failureOf(() =>
      writeCsv({ input, output, columns: [text("t")], cells: blocks(...cells) }),
    );
    expect(failure).toMatchObject({ name: "InvariantError", code });
    expect(await readFile(output, "utf8")).toBe("old");
    expect((await readdir(dirname(path))).sort()).toEqual(["input.csv", "out.csv"]);
  });
});

describe("an input that changed between planning and writing", () => {
  it("is refused by its content where the fingerprint was taken", async () => {
    const path = await fileOf("a\n1\n2\n");
    const output = join(dirname(path), "out.csv");
    const input = await openCsv(path);
    await input.fingerprint();
    const write = (count: number) =>
      writeCsv({
        input,
        output,
        columns: [text("t")],
        cells: blocksOfCells([Array<string>(count).fill("x")]),
      });
    await writeFile(path, "a\n1\n2\n");
    expect((await write(2)).rows).toBe(2);
    await writeFile(path, "a\n1\n3\n");
    expect((await failureOf(() => write(2))).code).toBe("input_changed");
    await writeFile(path, "a\n1\n2\n3\n");
    expect((await failureOf(() => write(2))).code).toBe("input_changed");
    await writeFile(path, "a\n1\n");
    expect((await failureOf(() => write(2))).code).toBe("input_changed");
  });

  it("is refused by size and time where it was not", async () => {
    const path = await fileOf("a\n1\n2\n");
    const output = join(dirname(path), "out.csv");
    const input = await openCsv(path);
    await writeFile(path, "a\n1\n2\n3\n");
    const failure = await failureOf(() =>
      writeCsv({ input, output, columns: [text("t")], cells: blocksOfCells([["x", "y"]]) }),
    );
    expect(failure.code).toBe("input_changed");
    expect(await readdir(dirname(path))).toEqual([basename(path)]);
  });
});

describe("outputs that are refused before anything is sent", () => {
  function checked(output: string, path: string) {
    return failureOf(() => checkOutput(output, path, "before sending"));
  }

  it("the input under any name", async () => {
    const path = await fileOf("a\n1\n");
    const folder = dirname(path);
    await symlink(path, join(folder, "soft.csv"));
    await link(path, join(folder, "hard.csv"));
    await symlink(folder, join(folder, "folder"));
    const names = [
      path,
      join(folder, "soft.csv"),
      join(folder, "hard.csv"),
      join(folder, "folder", basename(path)),
    ];
    for (const name of names) {
      const failure = await checked(name, path);
      expect(failure.code).toBe("output_is_input");
      expect(failure.message).toMatch(/\. Nothing was sent\.$/);
    }
    expect(await readFile(path, "utf8")).toBe("a\n1\n");
  });

  it("a folder that is missing, a folder, a device, a file in place of a folder", async () => {
    const path = await fileOf("a\n1\n");
    const folder = dirname(path);
    await mkdir(join(folder, "sub"));
    for (const name of [
      join(folder, "none", "out.csv"),
      join(folder, "sub"),
      "/dev/null",
      join(path, "out.csv"),
    ]) {
      const failure = await checked(name, path);
      expect(failure.code).toBe("output_unwritable");
      expect(failure.message).toContain(name);
      expect(failure.message).toMatch(/\. Nothing was sent\.$/);
      // Once answers may have been bought, nobody says so.
      const later = await failureOf(() => checkOutput(name, path, "before writing"));
      expect(later.message).not.toContain("sent");
    }
  });

  it("and accepts a new file, which it does not make", async () => {
    const path = await fileOf("a\n1\n");
    const output = join(dirname(path), "out.csv");
    await checkOutput(output, path, "before sending");
    expect(await readdir(dirname(path))).toEqual([basename(path)]);
  });
});

describe("the output appears whole or not at all", () => {
  it("keeps the old file and leaves no other when the cells fail", async () => {
    const path = await fileOf(`a\n${"1\n".repeat(50_000)}`);
    const output = join(dirname(path), "out.csv");
    await writeFile(output, "old");
    async function* failing(): AsyncGenerator<NewCells> {
      yield { firstRow: 0, columns: [Array<string>(40_000).fill("x")] };
      expect((await readdir(dirname(path))).some((name) => name.endsWith(".tmp"))).toBe(true);
      throw Object.assign(new Error("interrupted"), { code: "ENOENT" });
    }
    const input = await openCsv(path);
    await expect(
      writeCsv({ input, output, columns: [text("t")], cells: failing() }),
    ).rejects.toThrow("interrupted");
    expect(await readFile(output, "utf8")).toBe("old");
    expect((await readdir(dirname(path))).sort()).toEqual(["input.csv", "out.csv"]);
  });

  it("tells the source of the cells that no more is wanted", async () => {
    const path = await fileOf("a,b\n1,2\n3\n");
    let isClosed = false;
    async function* cells(): AsyncGenerator<NewCells> {
      try {
        yield await Promise.resolve({ firstRow: 0, columns: [["x"]] });
        yield { firstRow: 1, columns: [["y"]] };
      } finally {
        isClosed = true;
      }
    }
    const input = await openCsv(path);
    const output = join(dirname(path), "out.csv");
    const failure = await failureOf(() =>
      writeCsv({ input, output, columns: [text("t")], cells: cells() }),
    );
    expect(failure.code).toBe("ragged_row");
    expect(isClosed).toBe(true);
  });

  it("keeps the old file when the process is killed in mid-write", async () => {
    const path = await fileOf(`a\n${"1\n".repeat(50_000)}`);
    const folder = dirname(path);
    const output = join(folder, "out.csv");
    await writeFile(output, "old");
    const at = (file: string) =>
      JSON.stringify(new URL(`../../src/frame/${file}`, import.meta.url).href);
    const script = `
      const { openCsv } = await import(${at("csv.ts")});
      const { writeCsv } = await import(${at("csv-write.ts")});
      async function* cells() {
        yield { firstRow: 0, columns: [Array(40_000).fill("x")] };
        process.stdout.write("midway");
        setInterval(() => undefined, 1000);
        await new Promise(() => undefined);
      }
      const [, path, output] = process.argv;
      await writeCsv({ input: await openCsv(path), output, columns: [{ name: "t", type: "text" }], cells: cells() });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", script, path, output], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(child.stdout, "data");
    child.kill("SIGKILL");
    await once(child, "exit");
    const names = (await readdir(folder)).sort();
    expect(names.slice(-2)).toEqual(["input.csv", "out.csv"]);
    expect(await readFile(output, "utf8")).toBe("old");
    const [temporary = ""] = names;
    expect(temporary).toMatch(/^\.batchframe-[0-9a-f]+\.tmp$/);
    expect((await stat(join(folder, temporary))).size).toBeGreaterThan(0);
  });

  it("replaces an old file, keeping its permissions and the link it is reached by", async () => {
    const path = await fileOf("a\n1\n");
    const folder = await newFolder();
    const real = join(folder, "real.csv");
    await writeFile(real, "old");
    await chmod(real, 0o666);
    const output = join(dirname(path), "out.csv");
    await symlink(real, output);
    const input = await openCsv(path);
    await writeCsv({ input, output, columns: [text("t")], cells: blocksOfCells([["x"]]) });
    expect(await readFile(real, "utf8")).toBe("a,t\n1,x\n");
    expect((await stat(real)).mode & 0o777).toBe(0o666);
    expect(await readdir(folder)).toEqual(["real.csv"]);
  });
});
