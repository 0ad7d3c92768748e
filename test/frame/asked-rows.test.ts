import { writeFileSync, mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { parseWhere } from "../../src/core/where.ts";
import { openFile } from "../../src/files/files.ts";
import { askedRows } from "../../src/frame/asked-rows.ts";
import { polarsFrame } from "../../src/frame/polars.ts";
import type { Frame } from "../../src/frame/frame.ts";

async function frameOf(csv: string): Promise<Frame> {
  const path = join(mkdtempSync(join(tmpdir(), "asked-")), "in.csv");
  writeFileSync(path, csv);
  return await openFile(path);
}

interface Read {
  readonly maxRows: number;
  readonly firstRow?: number;
}

/** Why each row is withheld, beginning with `firstRow`. */
async function fates(frame: Frame, { maxRows, firstRow = 0 }: Read): Promise<(string | null)[]> {
  const all: (string | null)[] = [];
  for await (const block of frame.blocks(["text"], maxRows, firstRow))
    for (let row = 0; row < block.rowCount; row++)
      if (block.firstRow + row >= firstRow) all.push(block.withheld?.(row) ?? null);
  return all;
}

const LANGS = ["en", "de", "en", "", "en", "de", "en"];
const CSV = `text,lang\n${LANGS.map((lang, at) => `t${String(at)},${lang}`).join("\n")}\n`;

describe("rows that meet a condition", () => {
  it("are asked, and a missing cell meets only that it is null", async () => {
    const base = await frameOf(CSV);
    const where = parseWhere("lang = 'en'");
    const whys = await fates(askedRows(base, { where, limit: null }), { maxRows: 3 });
    expect(whys).toEqual([null, "where", null, "where", null, "where", null]);
    const missing = askedRows(base, { where: parseWhere("lang is null"), limit: null });
    expect((await fates(missing, { maxRows: 3 })).indexOf(null)).toBe(3);
  });

  it("are asked up to the limit, wherever the reading begins", async () => {
    // A dataframe begins with the row it is asked for, where a file gives those before it too.
    const base = polarsFrame(pl.DataFrame({ text: [...LANGS.keys()].map(String), lang: LANGS }));
    const limited = askedRows(base, { where: parseWhere("lang = 'en'"), limit: 2 });
    const all = [null, "where", null, "where", "limit", "where", "limit"];
    for (const maxRows of [1, 2, 100]) {
      expect(await fates(limited, { maxRows })).toEqual(all);
      expect(await fates(limited, { maxRows, firstRow: 4 })).toEqual(all.slice(4));
    }
  });
});
