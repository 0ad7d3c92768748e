import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../property.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { customIdOf, openJournal } from "../../src/provider/local-journal.ts";

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "journal-")), "journal");
});
afterEach(async () => {
  await rm(join(path, ".."), { recursive: true, force: true });
});

describe("a journal", () => {
  it("has on the disk what it says it has, in one piece for each call", async () => {
    const journal = await openJournal(path);
    expect([...journal.answered]).toEqual([]);
    await Promise.all([journal.append(["1", "2"]), journal.append([]), journal.append(["3"])]);
    expect(await readFile(path, "utf8")).toBe("1\n2\n3\n");
    await journal.append(["4"]);
    expect(await readFile(path, "utf8")).toBe("1\n2\n3\n4\n");
    await journal.close();
  });

  it("knows after a cut at any byte which replies are whole, and goes on behind them", async () => {
    const lines = ["r-1-0", "r-1-7", "r-1-3"].map((id) =>
      JSON.stringify({ id: `live_${id}`, custom_id: id, response: "é\u2028" }),
    );
    const whole = Buffer.from(lines.map((line) => `${line}\n`).join(""));
    for (let cut = 0; cut <= whole.length; cut++) {
      await writeFile(path, whole.subarray(0, cut));
      const journal = await openJournal(path);
      const kept = whole.subarray(0, cut).toString("latin1").split("\n").length - 1;
      expect([...journal.answered]).toEqual(["r-1-0", "r-1-7", "r-1-3"].slice(0, kept));
      await journal.append(["{}"]);
      await journal.close();
      const text = lines.slice(0, kept).map((line) => `${line}\n`);
      expect(await readFile(path, "utf8")).toBe(`${text.join("")}{}\n`);
    }
  });

  it("takes nothing more once a write has failed", async () => {
    const journal = await openJournal(path);
    await journal.close();
    await expect(journal.append(["a"])).rejects.toThrow();
    await expect(journal.append(["b"])).rejects.toThrow();
    expect(await readFile(path, "utf8")).toBe("");
  });
});

describe("the id of a line", () => {
  it("is found whether or not it stands in front", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string(), (id, text) => {
        expect(customIdOf(JSON.stringify({ custom_id: id, text }))).toBe(id);
        expect(customIdOf(JSON.stringify({ id: `live_${id}`, custom_id: id, text }))).toBe(id);
        expect(customIdOf(JSON.stringify({ text, custom_id: id }))).toBe(id);
      }),
    );
  });

  it.each(["", "{", "[]", '{"custom_id":5}', '{"id":"a"}'])("is null in %j", (line) => {
    expect(customIdOf(line)).toBeNull();
  });
});
