import { describe, expect, it } from "vitest";
import { codeBreaches, errorCodes, rowErrorCodes } from "./codes.ts";

describe("error codes", () => {
  const page = (...codes: string[]): string =>
    codes.map((it) => `### \`${it}\`\n\nWhy.\n`).join("\n");

  it("are read from every class that descends from BatchframeError", () => {
    const text = `
      class InputError extends BatchframeError {}
      class FileError extends InputError {}
      class Other extends Error {}
      throw new InputError("one", "…");
      throw new FileError(\`two\`, "…");
      throw new InputError(late ? "three" : "four", "…");
      throw new Other("five", "…");
      throw new InputError(error.code, "…", { cause: error });`;
    const { found, unreadable } = errorCodes(new Map([["src/a.ts", text]]));
    expect([...found]).toEqual(["one", "two", "three", "four"]);
    expect(unreadable).toEqual([]);
  });

  it.each(["code", "CODES[0]", "`a_${b}`", '"a" + b', "table.code", 'late ? "a" : b', ""])(
    "may not be worked out, as in new BatchframeError(%s)",
    (code) => {
      const { unreadable } = errorCodes(new Map([["src/a.ts", `new BatchframeError(${code});`]]));
      expect(unreadable).toEqual(["src/a.ts:1 has a code that is no literal"]);
    },
  );

  it.each([
    'export type RowErrorCode = "a" | "b";',
    'type Paid = "a";\nexport type RowErrorCode = Paid | "b";',
    'export const CODES = ["a", "b"] as const;\nexport type RowErrorCode = (typeof CODES)[number];',
  ])("of rows are read from %s", (text) => {
    const { found, unreadable } = rowErrorCodes(new Map([["src/core/result.ts", text]]));
    expect([...found].sort()).toEqual(["a", "b"]);
    expect(unreadable).toEqual([]);
  });

  it("of rows may not be missing", () => {
    expect(rowErrorCodes(new Map()).unreadable).toHaveLength(1);
  });

  it("that are not documented, or documented and gone, or documented twice, are caught", () => {
    expect(codeBreaches(["a", "b"], page("a", "b"))).toEqual([]);
    expect(codeBreaches(["a", "b"], page("a"))).toEqual(["b is not documented"]);
    expect(codeBreaches(["a"], page("a", "b"))).toEqual(["b is documented and never used"]);
    expect(codeBreaches(["a"], page("a", "a"))).toEqual(["a is documented twice"]);
  });
});
