import { stringify } from "csv-stringify/sync";
import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { csvText, isFormula, newCellText } from "../../src/frame/csv-cells.ts";

describe("isFormula", () => {
  it.each(["=1", "+a", "-", "--1", "@SUM(A1)", "\tx", "\rx", "-1-1", "+1e", "=", "-1\n=2"])(
    "runs: %j",
    (text) => {
      expect(isFormula(text)).toBe(true);
    },
  );

  it.each(["", "a=1", "-1", "+1.50", "-.5", "1.", "-1e-7", "+3E+10", " =1", "'=1", "\n=1"])(
    "does not run: %j",
    (text) => {
      expect(isFormula(text)).toBe(false);
    },
  );

  it("is false for every number JavaScript prints, except infinity", () => {
    fc.assert(
      fc.property(fc.double({ noDefaultInfinity: true, noNaN: true }), (number) => {
        expect(isFormula(String(number))).toBe(false);
      }),
    );
  });

  it("is never true of what was neutralised", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(isFormula(newCellText(text) ?? "")).toBe(false);
      }),
    );
  });
});

describe("newCellText", () => {
  it("writes vectors whose numbers read back to the same 32-bit floats", () => {
    fc.assert(
      fc.property(fc.float32Array({ noNaN: true, noDefaultInfinity: true }), (vector) => {
        const read: unknown = JSON.parse(newCellText(vector) ?? "");
        // JSON has no negative zero; adding zero makes both sides positive.
        const plain = vector.map((value) => value + 0);
        expect(new Float32Array(read as number[])).toEqual(plain);
      }),
    );
  });

  it("tells null, empty, false and zero apart", () => {
    expect([null, "", false, 0].map((cell) => newCellText(cell))).toEqual([null, "", "false", "0"]);
  });
});

describe("csvText", () => {
  it("quotes where it must and only there", () => {
    expect(csvText([null, "", "a", " b ", 'q"', "x\ny", "x\ry", "c,d"], ",")).toBe(
      ',"",a, b ,"q""","x\ny","x\ry","c,d"',
    );
    expect(csvText(["c,d", "e;f"], ";")).toBe('c,d;"e;f"');
    expect(csvText([null], ",")).toBe("");
  });
});

describe("csvText", () => {
  it("is what csv-stringify makes of the same cells", () => {
    const text = fc.array(fc.constantFrom("a", "é", " ", ",", ";", "\t", '"', "\n", "\r", "="));
    const cell = fc.option(
      text.map((all) => all.join("")),
      { nil: null },
    );
    const cells = fc.array(cell, { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(cells, fc.constantFrom(",", ";", "\t", "|"), (row, delimiter) => {
        const whole = stringify([row], { delimiter, eof: false, quoted_match: /^$/ });
        expect(csvText(row, delimiter)).toBe(whole);
      }),
      { numRuns: 2000 },
    );
  });
});
