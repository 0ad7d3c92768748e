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
    const whys = await fates(askedRows(base, { where, limit: null, sample: null }), { maxRows: 3 });
    expect(whys).toEqual([null, "where", null, "where", null, "where", null]);
    const isNull = parseWhere("lang is null");
    const missing = askedRows(base, { where: isNull, limit: null, sample: null });
    expect((await fates(missing, { maxRows: 3 })).indexOf(null)).toBe(3);
  });

  it("are asked up to the limit, wherever the reading begins", async () => {
    // A dataframe begins with the row it is asked for, where a file gives those before it too.
    const base = polarsFrame(pl.DataFrame({ text: [...LANGS.keys()].map(String), lang: LANGS }));
    const where = parseWhere("lang = 'en'");
    const limited = askedRows(base, { where, limit: 2, sample: null });
    const all = [null, "where", null, "where", "limit", "where", "limit"];
    for (const maxRows of [1, 2, 100]) {
      expect(await fates(limited, { maxRows })).toEqual(all);
      expect(await fates(limited, { maxRows, firstRow: 4 })).toEqual(all.slice(4));
    }
  });
});

describe("rows that are drawn", () => {
  const MANY = Array.from({ length: 400 }, (_, at) => ["en", "de", "fr"][at % 4] ?? "");
  const csv = `text,lang\n${MANY.map((lang, at) => `t${String(at)},${lang}`).join("\n")}\n`;

  it("are of those that meet the condition, wherever the reading begins and whatever block it is in", async () => {
    const base = await frameOf(csv);
    const where = parseWhere("lang is not null");
    const sample = { rows: 30, by: "lang", seed: 4 };
    const whys = await fates(askedRows(base, { where, limit: null, sample }), { maxRows: 1000 });
    expect(whys.filter((why) => why === "where")).toHaveLength(100);
    expect(whys.filter((why) => why === "sample")).toHaveLength(270);
    const langs = MANY.filter((_, row) => whys[row] === null);
    expect(["en", "de", "fr"].map((one) => langs.filter((lang) => lang === one).length)).toEqual([
      10, 10, 10,
    ]);
    for (const maxRows of [3, 64])
      for (const firstRow of [0, 101]) {
        const again = askedRows(base, { where, limit: null, sample });
        expect(await fates(again, { maxRows, firstRow })).toEqual(whys.slice(firstRow));
      }
  });

  it("are the same in a file of another format and in a dataframe", async () => {
    const sample = { rows: 25, by: null, seed: 0 };
    const ofFile = askedRows(await frameOf(csv), { where: null, limit: null, sample });
    const frame = polarsFrame(pl.DataFrame({ text: [...MANY.keys()].map(String), lang: MANY }));
    const ofFrame = askedRows(frame, { where: null, limit: null, sample });
    const whys = await fates(ofFile, { maxRows: 50 });
    expect(whys.filter((why) => why === null)).toHaveLength(25);
    expect(await fates(ofFrame, { maxRows: 50 })).toEqual(whys);
  });

  it("are none that the file has unreadable", async () => {
    const base = await frameOf(csv);
    const broken: Frame = {
      ...base,
      blocks: async function* (...reading) {
        for await (const block of base.blocks(...reading))
          yield {
            ...block,
            withheld: (row) => (block.firstRow + row < 300 ? "bad_row" : null),
          };
      },
    };
    const sample = { rows: 60, by: null, seed: 0 };
    const whys = await fates(askedRows(broken, { where: null, limit: null, sample }), {
      maxRows: 50,
    });
    expect(whys.filter((why) => why === null)).toHaveLength(60);
    expect(whys.filter((why) => why === "bad_row")).toHaveLength(300);
  });
});
