import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { removeRunFiles } from "../../src/store/sqlite-remove.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import { NEW_RUN } from "../contract/store.ts";

let folder: string;
let directory: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "remove-"));
  directory = join(folder, "run");
  const store = await openSqliteStore(directory, NEW_RUN);
  for (const name of ["000001.requests.jsonl", "000001.replies.jsonl"]) {
    const writer = await store.files.create(name);
    await writer.write("{}\n");
    await writer.commit();
  }
  await store[Symbol.asyncDispose]();
  // What a local model and a killed process leave beside them.
  await writeFile(join(directory, "chunks", "000001.requests.jsonl.journal"), "{}\n");
  await writeFile(join(directory, "chunks", "000002.replies.jsonl.0a1b2c3d.part"), "{");
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

it("a run is removed with all it keeps, its directory too, as often as asked", async () => {
  await removeRunFiles(directory);
  expect(existsSync(directory)).toBe(false);
  await removeRunFiles(directory);
  expect(await readdir(folder)).toEqual([]);
});

it("what somebody else keeps in its directory stays", async () => {
  await writeFile(join(directory, "thesis.txt"), "ten years of work");
  await writeFile(join(directory, "chunks", "photo.jpg"), "a photo");
  await mkdir(join(directory, "more"));
  await removeRunFiles(directory);
  expect((await readdir(directory)).toSorted()).toEqual(["chunks", "more", "thesis.txt"]);
  expect(await readdir(join(directory, "chunks"))).toEqual(["photo.jpg"]);
});
