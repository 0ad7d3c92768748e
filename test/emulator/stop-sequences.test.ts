import { describe, expect, it } from "vitest";
import { stopped } from "../../src/emulator/stop-sequences.ts";

describe("stopped", () => {
  it("ends a text at the first sequence in it, whatever their order", () => {
    expect(stopped("one END two STOP", ["STOP", "END"])).toEqual({ text: "one ", sequence: "END" });
    expect(stopped("END", ["END"])).toEqual({ text: "", sequence: "END" });
  });

  it("leaves a text without any as it is", () => {
    for (const sequences of [undefined, [], ["END"], [7], "END"])
      expect(stopped("one", sequences)).toEqual({ text: "one", sequence: null });
  });
});
