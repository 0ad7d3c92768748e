import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt } from "./support.ts";

let emulator: Emulator | null = null;
afterEach(async () => {
  await emulator?.close();
  emulator = null;
});

describe("reparse", () => {
  it("reads the replies of a finished run as a schema, into another file, and sends nothing", async () => {
    const answer = table((text) => (text === "one" ? '{"n":1}' : `${text}, I think`));
    const standing = await emulated({ answer });
    emulator = standing;
    const cwd = folder({
      "in.csv": "text\none\ntwo\n",
      "schema.mjs": 'export const asked = "n: int";\n',
    });
    const batchframe = (...words: string[]) => cli(cwd, words, pointedAt(standing));
    const run = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes", "--name", "r"];
    expect(await batchframe(...run, "--poll", "20ms", "--settle", "200ms")).toMatchObject({
      code: 0,
    });
    const calls = standing.requests().length;

    for (const schema of [
      "n: int",
      "schema.mjs#asked",
      '{"properties":{"n":{"type":"integer"}}}',
    ]) {
      const read = await batchframe("reparse", "r", "--schema", schema, "-o", "read.csv", "--json");
      expect(read).toMatchObject({ code: 3 });
      expect(JSON.parse(read.stdout)).toMatchObject({
        rows: { ok: 1, failed: 1 },
        failedBy: { invalid_output: 1 },
      });
      expect(readFileSync(join(cwd, "read.csv"), "utf8")).toBe(
        "text,enriched_n,enriched_status,enriched_error\none,1,ok,\ntwo,,failed,invalid_output\n",
      );
    }
    const failures = await batchframe("failures", "r", "-q");
    expect(JSON.parse(failures.stdout)).toMatchObject({ row: 2, code: "invalid_output" });

    const told = await batchframe("reparse", "r", "--schema", "n: int, w?: str", "-o", "told.csv");
    expect(told.stderr).toContain(
      "1 column unchanged + enriched_n, enriched_w, enriched_status, enriched_error",
    );
    expect(told.stderr).toMatch(/row {2}text +enriched_n +enriched_w/);

    expect(await batchframe("reparse", "r")).toMatchObject({ code: 0 });
    expect((await batchframe("failures", "r", "-q")).stdout).toBe("");
    expect(standing.requests()).toHaveLength(calls);
  });

  it("names what is wrong with a schema, and changes nothing", async () => {
    const standing = await emulated();
    emulator = standing;
    const cwd = folder({ "in.csv": "text\none\n" });
    const batchframe = (...words: string[]) => cli(cwd, words, pointedAt(standing));
    const run = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes", "--name", "r"];
    await batchframe(...run, "--poll", "20ms", "--settle", "200ms");
    const before = readFileSync(join(cwd, "in.enriched.csv"), "utf8");
    const read = await batchframe("reparse", "r", "--schema", "n: integer");
    expect(read).toMatchObject({ code: 2, stdout: "" });
    expect(read.stderr).toContain("character 4");
    expect(read.stderr).toContain("did you mean int");
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toBe(before);
  });
});
