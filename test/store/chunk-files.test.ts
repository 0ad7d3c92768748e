import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { StoreError } from "../../src/core/errors.ts";
import { chunkFiles, removeUnfinished } from "../../src/store/chunk-files.ts";
import type { ChunkFiles } from "../../src/store/store.ts";

let folder: string;
let directory: string;
let files: ChunkFiles;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "chunk-files-"));
  directory = join(folder, "chunks");
  files = chunkFiles(directory);
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function write(name: string, ...pieces: readonly (string | Uint8Array)[]): Promise<number> {
  const writer = await files.create(name);
  for (const piece of pieces) await writer.write(piece);
  return (await writer.commit()).bytes;
}

async function textOf(name: string): Promise<string> {
  return Buffer.concat(await Array.fromAsync(files.read(name))).toString();
}

async function codeOf(act: () => Promise<unknown>): Promise<string> {
  const error = await act().catch((thrown: unknown) => thrown);
  return error instanceof StoreError ? error.code : String(error);
}

it("a file appears under its name only when it is committed, with its size in bytes", async () => {
  const writer = await files.create("a");
  await writer.write("é");
  await writer.write(Uint8Array.of(10));
  expect(await files.exists("a")).toBe(false);
  expect(await writer.commit()).toEqual({ bytes: 3 });
  expect(await files.exists("a")).toBe(true);
  expect(await textOf("a")).toBe("é\n");
  expect(await readdir(directory)).toEqual(["a"]);
});

it("a file that is given up leaves nothing, and giving up after committing changes nothing", async () => {
  const given = await files.create("a");
  await given.write("x");
  await given.abort();
  await given.abort();
  expect(await readdir(directory)).toEqual([]);
  const kept = await files.create("b");
  await kept.write("y");
  await kept.commit();
  await kept.abort();
  expect(await textOf("b")).toBe("y");
});

it("an older file stays whole until its successor is committed", async () => {
  await write("a", "old");
  const writer = await files.create("a");
  await writer.write("new and longer");
  expect(await textOf("a")).toBe("old");
  await writer.abort();
  expect(await textOf("a")).toBe("old");
  await write("a", "new");
  expect(await textOf("a")).toBe("new");
});

it("what a killed process left half written is no file, and is written over", async () => {
  await write("a", "whole");
  const killed = await files.create("b");
  await killed.write("half of something much longer");
  expect(await files.exists("b")).toBe(false);
  expect(await codeOf(() => textOf("b"))).toBe("chunk_file_missing");
  await write("b", "done");
  expect(await readFile(files.path("b"), "utf8")).toBe("done");
  await removeUnfinished(directory);
  expect((await readdir(directory)).toSorted()).toEqual(["a", "b"]);
});

it("lines are read by their place in bytes, in any order and of any length", async () => {
  const long = "x".repeat(200_000);
  await write("a", `é1\n${long}\nz\n`);
  const reader = await files.open("a");
  expect(reader.text(200_005, 1)).toBe("z");
  expect(reader.text(0, 3)).toBe("é1");
  expect(reader.text(4, 200_000)).toBe(long);
  expect(reader.text(0, 2)).toBe("é");
  await reader.close();
});

it("a file that is missing or has become shorter is reported, never read as less", async () => {
  expect(await codeOf(() => files.open("none"))).toBe("chunk_file_missing");
  await write("a", "0123456789");
  await truncate(files.path("a"), 5);
  const reader = await files.open("a");
  expect(await codeOf(async () => await Promise.resolve().then(() => reader.text(3, 4)))).toBe(
    "chunk_file_short",
  );
  await reader.close();
});

it("a directory that cannot be made stops the run with a StoreError", async () => {
  await writeFile(directory, "a file where the directory should be");
  files = chunkFiles(join(directory, "below"));
  expect(await codeOf(() => files.create("a"))).toBe("run_directory_unwritable");
});
