import { describe, expect, it } from "vitest";
import { undocumentedExports } from "./comments.ts";

describe("doc comments", () => {
  const found = (text: string): string[] => undocumentedExports(new Map([["src/a.ts", text]]));

  it.each([
    "export function f(): void {}",
    "export async function* f() {}",
    "export const f = 1;",
    "export class f {}",
    "export interface f {}",
    "export type f = 1;",
    "const f = 1;\nexport { f };",
    "function f() {}\nexport { f as g };",
  ])("are missed on %s", (text) => {
    expect(found(text)).toEqual(["src/a.ts:1 f has no doc comment with a first sentence"]);
    expect(found(`/** Gives one. */\n${text}`)).toEqual([]);
  });

  it("must begin with a sentence", () => {
    expect(found("/** @returns one. */\nexport const f = 1;")).toHaveLength(1);
    expect(found("/** */\nexport const f = 1;")).toHaveLength(1);
    expect(found("// Gives one.\nexport const f = 1;")).toHaveLength(1);
    expect(found("/** the one\n *\n * Later, a sentence. */\nexport const f = 1;")).toHaveLength(1);
    expect(found("/**\n * Gives\n * one.\n *\n * @example f\n */\nexport const f = 1;")).toEqual(
      [],
    );
  });

  it("stand on the first overload, and re-exports need none", () => {
    const overloads = "export function f(a: 1): 1;\nexport function f(a: 2): 2;\n";
    expect(found(`/** Gives it back. */\n${overloads}`)).toEqual([]);
    expect(found(overloads)).toHaveLength(1);
    expect(found('export { f } from "./f.ts";')).toEqual([]);
  });
});
