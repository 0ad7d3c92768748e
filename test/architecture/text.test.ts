import { describe, expect, it } from "vitest";
import { textBreaches } from "./text.ts";

describe("a text", () => {
  const found = (text: string): string[] => textBreaches(new Map([["src/a.ts", text]]));

  it("is caught when a file is long", () => {
    expect(found("x;\n".repeat(400))).toEqual([]);
    expect(found("x;\n".repeat(401))).toEqual(["src/a.ts has 401 lines"]);
  });

  it.each(["TO_DO", "FIX_ME", "@ts-ig_nore", "@ts-no_check", "eslint-dis_able"])(
    "is caught when it says %s (without the underscore)",
    (split) => {
      const mark = split.replace("_", "");
      expect(found(`x;\n// ${mark}: later`)).toEqual([`src/a.ts:2 says ${mark}`]);
    },
  );

  it.each(["let a: any;", "f(b as any);", "type A = Map<string, any[]>;"])(
    "is caught at %s",
    (text) => {
      expect(found(text)).toEqual(["src/a.ts:1 uses any"]);
    },
  );

  it("may speak of any row in words", () => {
    expect(found('// any row\nconst any_ = "any";')).toEqual([]);
  });
});
