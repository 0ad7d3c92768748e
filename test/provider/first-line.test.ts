import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { firstLine } from "../../src/provider/first-line.ts";
import { newFolder } from "../frame/support.ts";

it.each([
  ["of many", '{"a":1}\n{"b":2}\n', '{"a":1}'],
  ["after a byte order mark and blank lines", '\uFEFF\r\n\n{"a":1}\r\n{"b":2}', '{"a":1}'],
  ["without an end", '{"a":1}', '{"a":1}'],
  ["that is longer than what is read at once", `${"x".repeat(200_000)}\ny`, "x".repeat(200_000)],
  ["of nothing", "\n\n", ""],
])("the first line %s is the first that says something", async (_what, content, expected) => {
  const path = join(await newFolder(), "requests.jsonl");
  await writeFile(path, content);
  expect(await firstLine(path)).toBe(expected);
});

it("there is none in a file that is gone", async () => {
  await expect(firstLine(join(await newFolder(), "gone.jsonl"))).rejects.toThrow(/ENOENT/);
});
