import { describe, expect, it } from "vitest";
import { openCsv } from "../../src/frame/csv.ts";
import { openJson } from "../../src/frame/json.ts";
import { partsFrame } from "../../src/frame/parts.ts";
import { allTexts, allValues, failureOf, fileOf } from "./support.ts";

const csv = async (content: string) => openCsv(await fileOf(content), { onBadRow: "keep" });
const jsonl = async (content: string) =>
  openJson(await fileOf(content, "a.jsonl"), { layout: "jsonl" });

describe("partsFrame", () => {
  it("has the rows of all parts in order, counted through", async () => {
    const parts = [await csv("a,b\n1,2\n3,4\n5\n"), await csv("a,b\n7,8\n"), await csv("a,b\n9\n")];
    const frame = partsFrame("parts", parts, { mayLack: false });
    expect(frame.columns).toEqual(["a", "b"]);
    const places: [number, number, boolean[]][] = [];
    for await (const block of frame.blocks(["b"], 2)) {
      const rows = Array.from(
        { length: block.rowCount },
        (_, row) => (block.withheld?.(row) ?? null) !== null,
      );
      places.push([block.firstRow, block.rowCount, rows]);
    }
    expect(places).toEqual([
      [0, 2, [false, false]],
      [2, 1, [true]],
      [3, 1, [false]],
      [4, 1, [true]],
    ]);
    expect((await allTexts(frame, { columns: ["b", "a"] })).map(([, a]) => a)).toEqual([
      "1",
      "3",
      "5",
      "7",
      "9",
    ]);
  });

  it("refuses parts with other columns, naming the part", async () => {
    const other = await csv("a,c\n1,2\n");
    const parts = [await csv("a,b\n1,2\n"), other];
    const failure = await failureOf(() => partsFrame("parts", parts, { mayLack: false }));
    expect(failure.code).toBe("parts_differ");
    expect(failure.message).toContain(other.path);
    const turned = [await csv("a,b\n1,2\n"), await csv("b,a\n1,2\n")];
    expect(() => partsFrame("parts", turned, { mayLack: false })).toThrow(/other columns/);
  });

  it("has null where a part lacks a column, if parts may", async () => {
    const parts = [await jsonl('{"a":1}\n'), await jsonl('{"b":2,"a":"x"}\n')];
    const frame = partsFrame("parts", parts, { mayLack: true });
    expect(frame.columns).toEqual(["a", "b"]);
    expect(await allTexts(frame)).toEqual([
      ["1", null],
      ["x", "2"],
    ]);
    expect(await allValues(frame, "b")).toEqual([null, 2]);
    for await (const block of frame.blocks(["a"], 5)) {
      expect(() => block.text("b")).toThrow(/not asked for/);
    }
  });

  it("has a fingerprint of the parts' content in their order", async () => {
    const parts = [await csv("a\n1\n"), await csv("a\n2\n")];
    const of = (some: typeof parts) => partsFrame("p", some, { mayLack: false }).fingerprint();
    expect(await of(parts)).toBe(await of(parts));
    expect(await of(parts.toReversed())).not.toBe(await of(parts));
  });
});
