import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { checkedFaults } from "../../src/emulator/fault-check.ts";
import { createFaultState } from "../../src/emulator/fault-state.ts";

describe("checkedFaults", () => {
  it("takes rates, doses and settings", () => {
    const faults = {
      dropRows: 0.5,
      failRows: { count: 3, status: 429, containing: "x" },
      error429: { routes: ["POST /batches"], retryAfterMs: 5 },
      delayMs: 3,
      cancelKeeps: false,
    };
    expect(checkedFaults(faults)).toEqual(faults);
  });

  it.each([
    [{ dropRow: 1 }, "no fault named dropRow"],
    [{ dropRows: 2 }, "rate from 0 to 1"],
    [{ dropRows: "all" }, "rate from 0 to 1"],
    [{ dropRows: { count: -1 } }, "dropRows.count cannot be -1"],
    [{ dropRows: { routes: [] } }, "no detail named routes"],
    [{ cutDownload: { how: "softly" } }, "cutDownload.how"],
    [{ delayMs: -1 }, "delayMs cannot be -1"],
    [[], "must be an object"],
  ])("refuses %j", (faults, message) => {
    expect(() => checkedFaults(faults)).toThrow(InputError);
    expect(() => checkedFaults(faults)).toThrow(message);
  });
});

describe("createFaultState", () => {
  it("strikes the same targets for the same seed, about as many as the rate says", () => {
    const struck = (seed: number): readonly number[] => {
      const state = createFaultState(seed, { dropRows: 0.2 });
      const all = Array.from({ length: 2000 }, (_, index) => index);
      return all.filter((index) => state.strike("dropRows", { key: [index] }) !== null);
    };
    expect(struck(1)).toEqual(struck(1));
    expect(struck(1)).not.toEqual(struck(2));
    expect(Math.abs(struck(1).length - 400)).toBeLessThan(80);
  });

  it("does not let one fault's luck decide another's", () => {
    const state = createFaultState(1, { dropRows: 0.5, refuseRows: 0.5 });
    const differ = Array.from({ length: 100 }, (_, index) => ({ key: [index] })).filter(
      (target) =>
        (state.strike("dropRows", target) === null) !==
        (state.strike("refuseRows", target) === null),
    );
    expect(differ.length).toBeGreaterThan(20);
  });

  it("strikes as often as the count says, and again once the faults are set anew", () => {
    fc.assert(
      fc.property(fc.nat(10), fc.nat(20), (count, targets) => {
        const state = createFaultState(1, { dropRows: { count } });
        const strikes = (): number =>
          Array.from({ length: targets }, (_, index) => index).filter(
            (index) => state.strike("dropRows", { key: [index] }) !== null,
          ).length;
        expect(strikes()).toBe(Math.min(count, targets));
        state.set({ dropRows: { count } });
        expect(strikes()).toBe(Math.min(count, targets));
      }),
    );
  });

  it("concerns only the ids, texts and routes it names", () => {
    const state = createFaultState(1, {
      dropRows: { customIds: ["a"] },
      refuseRows: { containing: "secret" },
      error500: { routes: ["GET /files"] },
    });
    const key = ["k"];
    expect(state.strike("dropRows", { key, customId: "a" })).not.toBeNull();
    expect(state.strike("dropRows", { key, customId: "b" })).toBeNull();
    expect(state.strike("refuseRows", { key, text: () => "a secret" })).not.toBeNull();
    expect(state.strike("refuseRows", { key, text: () => "nothing" })).toBeNull();
    expect(state.strike("error500", { key, route: "GET /files" })).not.toBeNull();
    expect(state.strike("error500", { key, route: "POST /files" })).toBeNull();
  });

  it("keeps the faults it has when it is given nonsense", () => {
    const state = createFaultState(1, { dropRows: 1 });
    expect(() => {
      state.set({ nonsense: 1 });
    }).toThrow(InputError);
    expect(state.current()).toEqual({ dropRows: 1 });
  });

  it("never strikes at a rate of 0", () => {
    const state = createFaultState(1, { dropRows: 0 });
    const all = Array.from({ length: 500 }, (_, index) => ({ key: [index] }));
    expect(all.every((target) => state.strike("dropRows", target) === null)).toBe(true);
  });

  it("takes a bare number for expireAfterRows as the share of rows", () => {
    const state = createFaultState(1, { expireAfterRows: 0.25 });
    expect(state.strike("expireAfterRows", { key: [1] })).toEqual({ fraction: 0.25 });
  });
});
