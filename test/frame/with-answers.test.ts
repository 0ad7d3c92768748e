import { describe, expect, it } from "vitest";
import type { Cell, NewCell, NewCells } from "../../src/core/column.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { withOldAnswers } from "../../src/frame/old-answers.ts";
import { frameWithAnswers, type Answers } from "../../src/frame/with-answers.ts";

function base(texts: readonly string[]): Frame {
  return {
    name: "rows",
    columns: ["text"],
    fingerprint: () => Promise.resolve("abc"),
    blocks: async function* (_columns, maxRows) {
      for (let firstRow = 0; firstRow < texts.length; firstRow += maxRows) {
        const rows = texts.slice(firstRow, firstRow + maxRows);
        const block = { firstRow, rowCount: rows.length, text: () => rows, values: () => rows };
        yield await Promise.resolve(block);
      }
    },
  };
}

/** A step that added a label, in blocks of another size than they are read in. */
function answers(name: string, rows: readonly (readonly NewCell[])[], blockRows: number): Answers {
  const columns = ["", "_status", "_error"].map(
    (end) => ({ name: name + end, type: "text" }) as const,
  );
  return {
    columns,
    status: `${name}_status`,
    cells: async function* (): AsyncGenerator<NewCells> {
      for (let firstRow = 0; firstRow < rows.length; firstRow += blockRows) {
        const block = rows.slice(firstRow, firstRow + blockRows);
        const cells = columns.map((_, at) => block.map((row) => row[at] ?? null));
        yield await Promise.resolve({ firstRow, columns: cells });
      }
    },
  };
}

const ROWS: readonly (readonly NewCell[])[] = [
  ["good", "ok", null],
  [null, "failed", "refused"],
  [null, "skipped", null],
  [null, "skipped", "skipped"],
  ["bad", "ok", null],
];

describe("a frame with answers", () => {
  const frame = frameWithAnswers(base(["a", "b", "c", "d", "e"]), [answers("mood", ROWS, 3)]);

  it("has the step's columns after its own, row for row, whatever the blocks", async () => {
    expect(frame.columns).toEqual(["text", "mood", "mood_status", "mood_error"]);
    const seen: (readonly [string | null | undefined, string | null | undefined])[] = [];
    for await (const block of frame.blocks(["text", "mood"], 2)) {
      const [texts, moods] = [block.text("text"), block.text("mood")];
      for (let row = 0; row < block.rowCount; row++) seen.push([texts[row], moods[row]]);
    }
    expect(seen).toEqual([
      ["a", "good"],
      ["b", null],
      ["c", null],
      ["d", null],
      ["e", "bad"],
    ]);
    expect(await frame.fingerprint()).toBeNull();
  });

  it("keeps back the rows that failed the step or were kept back by it, not those that were blank", async () => {
    const withheld: (string | null | undefined)[] = [];
    for await (const block of frame.blocks(["mood"], 4))
      for (let row = 0; row < block.rowCount; row++) withheld.push(block.withheld?.(row));
    expect(withheld).toEqual([null, "step", null, "step", null]);
  });

  it("gives numbers, lists and vectors as exact text and as values", async () => {
    const cells: readonly NewCell[] = [2.5, { tags: ["x"], vector: Float32Array.of(0.5) }];
    const typed: Answers = {
      columns: [
        { name: "n", type: "float" },
        { name: "o", type: { struct: [] } },
      ],
      status: "n_status",
      cells: async function* () {
        yield await Promise.resolve({ firstRow: 0, columns: cells.map((cell) => [cell]) });
      },
    };
    const texts: (string | null | undefined)[] = [];
    const values: (Cell | undefined)[] = [];
    for await (const block of frameWithAnswers(base(["a"]), [typed]).blocks(["n", "o"], 5)) {
      texts.push(block.text("n")[0], block.text("o")[0]);
      values.push(block.values("n")[0], block.values("o")[0]);
    }
    expect(texts).toEqual(["2.5", '{"tags":["x"],"vector":[0.5]}']);
    expect(values).toEqual([2.5, { tags: ["x"], vector: [0.5] }]);
  });
});

describe("old cells beside the answers of an earlier step", () => {
  it("are read without those answers, which would be joined once more", async () => {
    const unread: Answers = {
      ...answers("mood", ROWS, 3),
      cells: () => {
        throw new Error("The answers were read.");
      },
    };
    const columns = ["text", "text_status"].map((name) => ({ name, type: "text" }) as const);
    const own = [["new", null, "newer"] as const, ["ok", "skipped", "ok"] as const];
    const cells = async function* (): AsyncGenerator<NewCells> {
      yield await Promise.resolve({ firstRow: 0, columns: own });
    };
    const old = {
      frame: frameWithAnswers(base(["a", "b", "c"]), [unread]),
      ...({ existing: "skip", status: "text_status" } as const),
      ...{ columns: columns.slice(0, 1), answers: new Set(["text"]) },
    };
    const made: NewCells[] = [];
    for await (const block of withOldAnswers(cells(), { old, columns, firstRow: 0 }))
      made.push(block);
    expect(made).toEqual([
      {
        firstRow: 0,
        columns: [
          ["new", "b", "newer"],
          ["ok", "skipped", "ok"],
        ],
      },
    ]);
  });
});
