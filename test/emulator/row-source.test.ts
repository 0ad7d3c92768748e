import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { openRows } from "../../src/emulator/row-source.ts";
import { newFolder } from "../frame/support.ts";

const MEGABYTE = 1024 * 1024;

async function fileOf(rows: readonly string[]): Promise<string> {
  const path = join(await newFolder(), "rows.jsonl");
  await writeFile(path, rows.join("\n"));
  return path;
}

it.each([
  ["from memory", 1],
  ["from disk where it is too large to be held", 60],
])("reads rows in any order, %s", async (_, megabytes) => {
  const rows = Array.from({ length: megabytes }, (__, at) => `${String(at)}é`.repeat(MEGABYTE / 4));
  const source = await openRows(await fileOf(rows));
  expect(source.isHeld).toBe(megabytes === 1);
  let offset = rows.reduce((sum, row) => sum + Buffer.byteLength(row) + 1, 0);
  for (const row of rows.toReversed()) {
    const length = Buffer.byteLength(row);
    offset -= length + 1;
    expect(source.text(offset, length) === row).toBe(true);
  }
  await source.close();
});

it("gives the room back when it is closed", async () => {
  const path = await fileOf(["x".repeat(30 * MEGABYTE)]);
  for (let at = 0; at < 4; at += 1) {
    const source = await openRows(path);
    expect(source.isHeld).toBe(true);
    const second = await openRows(path);
    expect(second.isHeld).toBe(false);
    await second.close();
    await source.close();
    // Closed twice, it gives its room back once.
    await source.close();
  }
});
