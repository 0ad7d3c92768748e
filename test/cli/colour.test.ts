import { describe, expect, it } from "vitest";
import { colours, wantsColour } from "../../src/cli/colour.ts";

describe("wantsColour", () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ TERM: "dumb" }, true, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ FORCE_COLOR: "1" }, false, true],
    [{ FORCE_COLOR: "" }, false, true],
    [{ FORCE_COLOR: "0" }, true, false],
    [{ FORCE_COLOR: "1", NO_COLOR: "1" }, true, false],
    [{ FORCE_COLOR: "1", TERM: "dumb" }, true, true],
  ])("under %j, terminal %s: %s", (environment, isTerminal, expected) => {
    expect(wantsColour(environment, isTerminal)).toBe(expected);
  });
});

describe("colours", () => {
  it("leave text alone when off", () => {
    expect(colours(false).bad("error:")).toBe("error:");
    expect(colours(true).bad("error:")).toBe("\u001b[31merror:\u001b[39m");
  });
});
