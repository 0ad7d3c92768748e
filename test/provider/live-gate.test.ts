import { describe, expect, it } from "vitest";
import { flowOf } from "../../src/provider/live-flow.ts";
import { gateOf } from "../../src/provider/live-gate.ts";

const FREE = { requestsPerMinute: null, tokensPerMinute: null };
const ROOM = { usedTokens: null, showed: "room" } as const;
const NEVER = new AbortController().signal;
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describe("the gate", () => {
  it("lets in as many as there are places, the others in the order they came", async () => {
    const gate = gateOf(flowOf({ ...FREE, concurrency: 1 }, () => 0));
    const entered: number[] = [];
    const entries = [0, 1, 2].map(async (number) => {
      const leave = await gate.enter(1, NEVER);
      entered.push(number);
      return leave;
    });
    await settle();
    expect(entered).toEqual([0]);
    for (const entry of entries) (await entry)?.(ROOM);
    expect(entered).toEqual([0, 1, 2]);
  });

  it("sends those away who are told to stop while they wait, and those who come too late", async () => {
    const gate = gateOf(flowOf({ ...FREE, concurrency: 1 }, () => 0));
    const leave = await gate.enter(1, NEVER);
    const stop = new AbortController();
    const waiting = [gate.enter(1, stop.signal), gate.enter(1, stop.signal)];
    const patient = gate.enter(1, NEVER);
    stop.abort();
    expect(await Promise.all(waiting)).toEqual([null, null]);
    expect(await gate.enter(1, stop.signal)).toBeNull();
    leave?.(ROOM);
    expect(await patient).not.toBeNull();
  });

  it("opens by itself when a hold is over", async () => {
    const gate = gateOf(flowOf({ ...FREE, concurrency: 1 }, () => performance.now()));
    gate.hold(5);
    expect(await gate.enter(1, NEVER)).not.toBeNull();
  });

  it("keeps the cheap behind the dear that came first", async () => {
    let nowMs = 0;
    const limits = { concurrency: 9, requestsPerMinute: null, tokensPerMinute: 60_000 };
    // A clock that moves a little whenever it is looked at.
    const gate = gateOf(flowOf(limits, () => (nowMs += 10)));
    const first = await gate.enter(1000, NEVER);
    const entered: string[] = [];
    const dear = gate.enter(1000, NEVER).then(() => entered.push("dear"));
    const cheap = gate.enter(1, NEVER).then(() => entered.push("cheap"));
    first?.(ROOM);
    await Promise.all([dear, cheap]);
    expect(entered).toEqual(["dear", "cheap"]);
  });
});
