import { spawnSync } from "node:child_process";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { checkOutput, writeFailure, writeWhole } from "../../src/frame/csv-output.ts";
import { chunkFiles } from "../../src/store/chunk-files.ts";
import { failureOf, fileOf, newFolder } from "./support.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: no`), { code });
}

const halfway = { output: "out.csv", bytes: 3_000_000, doneShare: 0.5 };

describe("writeFailure", () => {
  it.each(["ENOSPC", "EDQUOT", "EFBIG"])("%s says how much room is needed", (code) => {
    const failure = writeFailure(systemError(code), halfway);
    expect(failure).toBeInstanceOf(InputError);
    expect(failure).toMatchObject({ code: "disk_full" });
    expect(String(failure)).toContain("after 3.0 MB; about 6.0 MB are needed in all");
    expect(String(failure)).toContain("answers are kept in the run directory");
  });

  it.each(["EACCES", "EPERM", "EROFS", "ENOTDIR", "ENOENT", "ENAMETOOLONG"])(
    "%s makes the output unwritable",
    (code) => {
      expect(writeFailure(systemError(code), halfway)).toMatchObject({ code: "output_unwritable" });
    },
  );

  it("gives anything else back as it is", () => {
    const error = systemError("EIO");
    expect(writeFailure(error, halfway)).toBe(error);
  });
});

/** Whether a file system of memory can be mounted here, as only root may where it is let. */
async function withDisk(kib: number, use: (folder: string) => Promise<void>): Promise<boolean> {
  const folder = await newFolder();
  const size = `size=${kib}k`;
  if (spawnSync("mount", ["-t", "tmpfs", "-o", size, "tmpfs", folder]).status !== 0) return false;
  try {
    await use(folder);
  } finally {
    spawnSync("umount", [folder]);
  }
  return true;
}

describe("a disk of 1 MiB", () => {
  it("that is full leaves the old output as it was, and no other file", async (test) => {
    const input = await fileOf("a\n1\n");
    const isMounted = await withDisk(1024, async (folder) => {
      const output = join(folder, "out.csv");
      await writeFile(output, "old");
      let pieces = 0;
      const failure = await failureOf(() =>
        writeWhole({ input, output, doneShare: () => pieces / 400 }, async (append) => {
          for (; pieces < 400; pieces += 1) await append(Buffer.alloc(10_000));
        }),
      );
      expect(failure).toMatchObject({ name: "InputError", code: "disk_full" });
      expect(failure.message).toMatch(
        /^The disk is full: .*out\.csv could .* after 1\.0 MB; about 4\./,
      );
      expect(failure.message).toContain(output);
      expect(failure.hint).toContain(folder);
      expect(failure.hint).toContain("batchframe gc");
      expect(await readFile(output, "utf8")).toBe("old");
      expect(await readdir(folder)).toEqual(["out.csv"]);
    });
    if (!isMounted) test.skip("no file system can be mounted here");
  });

  it("that is full stops the run's files by name, and none is left half written", async (test) => {
    const isMounted = await withDisk(1024, async (folder) => {
      const files = chunkFiles(folder, () => undefined);
      const writer = await files.create("requests.jsonl");
      const failure = await failureOf(async () => {
        for (let at = 0; at < 400; at += 1) await writer.write(Buffer.alloc(10_000));
      });
      await writer.abort();
      expect(failure).toMatchObject({ name: "StoreError", code: "disk_full" });
      expect(failure.message).toContain(join(folder, "requests.jsonl"));
      expect(failure.hint).toContain("batchframe gc");
      expect(await readdir(folder)).toEqual([]);
    });
    if (!isMounted) test.skip("no file system can be mounted here");
  });
});

describe("checkOutput", () => {
  it("finds out before anything is sent that a folder takes no file, and leaves none in one that does", async () => {
    const input = await fileOf("a\n1\n");
    const check = (output: string) => checkOutput(output, input, "before sending");
    // A folder that may be written to by its mode, and yet holds what its driver makes only.
    const odd =
      process.platform === "linux" ? "/proc/x.csv" : join(dirname(input), "none", "x.csv");
    const failure = await failureOf(() => check(odd));
    expect([failure.code, failure.message]).toEqual([
      "output_unwritable",
      expect.stringContaining("Nothing was sent."),
    ]);
    await check(join(dirname(input), "out.csv"));
    expect(await readdir(dirname(input))).toEqual(["input.csv"]);
  });
});

describe("writeWhole", () => {
  it("refuses a name too long for the file system, before writing", async () => {
    const input = await fileOf("a\n1\n");
    const output = join(dirname(input), `${"x".repeat(300)}.csv`);
    const failure = await failureOf(() =>
      writeWhole({ output, input, doneShare: () => 0 }, (append) => append(Buffer.from("x"))),
    );
    expect(failure.code).toBe("output_unwritable");
    expect(await readdir(dirname(input))).toEqual(["input.csv"]);
  });

  it("keeps the old file when the disk refuses more", async () => {
    const input = await fileOf("a\n1\n");
    const output = join(dirname(input), "out.csv");
    await writeFile(output, "old");
    const module = new URL("../../src/frame/csv-output.ts", import.meta.url).href;
    const script = `
      const { writeWhole } = await import(${JSON.stringify(module)});
      const [, input, output] = process.argv;
      let pieces = 0;
      try {
        await writeWhole({ input, output, doneShare: () => pieces / 400 }, async (append) => {
          for (; pieces < 400; pieces += 1) await append(Buffer.alloc(10_000));
        });
      } catch (error) {
        process.stdout.write(error.code + " " + error.message);
      }`;
    // The shell's limit on the size of a file stands in for a disk of 1 MB.
    const { stdout } = spawnSync(
      "bash",
      [
        "-c",
        'ulimit -f 1024; exec "$0" "$@"',
        process.execPath,
        "--input-type=module",
        "-e",
        script,
        input,
        output,
      ],
      { encoding: "utf8" },
    );
    expect(stdout).toMatch(/^disk_full .* after 1\.0 MB; about 4\.\d MB are needed in all/);
    expect(await readFile(output, "utf8")).toBe("old");
    expect((await readdir(dirname(input))).sort()).toEqual(["input.csv", "out.csv"]);
  });
});
