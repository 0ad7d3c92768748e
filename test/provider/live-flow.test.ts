import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { flowOf, type FlowLimits, type Ticket } from "../../src/provider/live-flow.ts";

const FREE = { requestsPerMinute: null, tokensPerMinute: null };
const ROOM = { usedTokens: null, showed: "room" } as const;
const CROWDED = { usedTokens: null, showed: "crowded" } as const;

/** A flow with a clock that stands still until it is moved. */
function flowAt(limits: FlowLimits): {
  flow: ReturnType<typeof flowOf>;
  pass: (ms: number) => void;
} {
  let nowMs = 0;
  const pass = (ms: number): void => {
    nowMs += ms;
  };
  return { flow: flowOf(limits, () => nowMs), pass };
}

describe("the flow", () => {
  it("has so many places, and one more for each that is left", () => {
    const { flow } = flowAt({ ...FREE, concurrency: 2 });
    const first = flow.begin(1);
    flow.begin(1);
    expect(flow.waitMs(1)).toBe(Infinity);
    flow.end(first, ROOM);
    expect(flow.waitMs(1)).toBe(0);
  });

  it("halves its places once for all that were refused together, and regains them by answers", () => {
    const { flow } = flowAt({ ...FREE, concurrency: 8 });
    const together = Array.from({ length: 8 }, () => flow.begin(1));
    for (const ticket of together) flow.end(ticket, CROWDED);
    expect(flow.places()).toBe(4);
    flow.end(flow.begin(1), CROWDED);
    expect(flow.places()).toBe(2);
    let answers = 0;
    while (flow.places() < 8) {
      flow.end(flow.begin(1), ROOM);
      answers += 1;
    }
    expect(answers).toBeGreaterThan(20);
    flow.end(flow.begin(1), ROOM);
    expect(flow.places()).toBe(8);
  });

  it("never closes its last place", () => {
    const { flow } = flowAt({ ...FREE, concurrency: 4 });
    for (let more = 0; more < 20; more++) flow.end(flow.begin(1), CROWDED);
    expect([flow.places(), flow.waitMs(1)]).toEqual([1, 0]);
  });

  it("lets nothing begin while it is held, the longest hold counting", () => {
    const { flow, pass } = flowAt({ ...FREE, concurrency: 4 });
    flow.hold(500);
    flow.hold(100);
    expect(flow.waitMs(1)).toBe(500);
    pass(500);
    expect(flow.waitMs(1)).toBe(0);
  });

  it("saves up no more than a second's worth, however long nothing was asked", () => {
    const { flow, pass } = flowAt({ ...FREE, concurrency: 99, requestsPerMinute: 120 });
    pass(3_600_000);
    flow.begin(1);
    flow.begin(1);
    expect(flow.waitMs(1)).toBe(500);
  });

  it("gives back what a request was estimated at and did not take", () => {
    const { flow } = flowAt({ concurrency: 9, requestsPerMinute: null, tokensPerMinute: 60_000 });
    const ticket = flow.begin(1000);
    expect(flow.waitMs(500)).toBe(500);
    flow.end(ticket, { usedTokens: 100, showed: "room" });
    expect(flow.waitMs(500)).toBe(0);
  });

  it("keeps every minute's requests and tokens within the limits, but for a second's worth", () => {
    const limits = fc.record({
      requestsPerMinute: fc.integer({ min: 1, max: 3000 }),
      tokensPerMinute: fc.integer({ min: 60, max: 60_000 }),
    });
    const costs = fc.array(fc.integer({ min: 1, max: 2000 }), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(limits, costs, ({ requestsPerMinute, tokensPerMinute }, wanted) => {
        const { flow, pass } = flowAt({ concurrency: 4, requestsPerMinute, tokensPerMinute });
        const begun: { at: number; tokens: number }[] = [];
        let at = 0;
        for (const tokens of wanted) {
          for (let waitMs = flow.waitMs(tokens); waitMs > 0; waitMs = flow.waitMs(tokens)) {
            expect(Number.isFinite(waitMs)).toBe(true);
            pass(waitMs);
            at += waitMs;
          }
          const ticket: Ticket = flow.begin(tokens);
          begun.push({ at, tokens });
          flow.end(ticket, { usedTokens: tokens, showed: "room" });
        }
        for (const [place, { at: start }] of begun.entries()) {
          const minute = begun.slice(place).filter((one) => one.at < start + 60_000);
          const most = Math.max(1, requestsPerMinute / 60);
          expect(minute.length).toBeLessThanOrEqual(requestsPerMinute + most + 1);
          const tokens = minute.reduce((sum, one) => sum + one.tokens, 0);
          const dearest = Math.max(...minute.map((one) => one.tokens));
          const share = Math.max(1, tokensPerMinute / 60);
          expect(tokens).toBeLessThanOrEqual(tokensPerMinute + share + dearest + 1);
        }
      }),
    );
  });
});
