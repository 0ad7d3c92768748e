/** A run with a second model is killed at every step of either pass, and nothing is lost or paid twice. */

import { describe, expect, it } from "vitest";
import { table, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import { killAtRandom, randomOf } from "./kills.ts";
import { answerTo, damageOf, receiptOf, UNHARMED, type Stand, type StandShape } from "./stand.ts";
import { kept, stand } from "./stands.ts";
import { newStand } from "./stand.ts";

const right = table(answerTo);

/** The first model refuses every third subject; the second answers all it is asked. */
const answer: NonNullable<EmulatorOptions["answer"]> = (request) => {
  const { model, messages } = request.body as unknown as {
    model: string;
    messages: { content: string }[];
  };
  const subject = Number(/subject (\d+)/.exec(messages.at(-1)?.content ?? "")?.[1]);
  return model !== "gpt-large" && subject % 3 === 0
    ? { content: null, refusal: "I cannot." }
    : right(request);
};

const SHAPE: StandShape = { emulator: { answer }, job: { second: "fallback", chunkRows: 1000 } };

function judge(of: Stand, receipt: Receipt, what: string): void {
  expect(damageOf(of, receipt), what).toEqual(UNHARMED);
  const [main, fallback] = receipt.passes ?? [];
  expect(fallback?.rows, what).toBe(main?.failed);
  expect(of.emulator.stats().rowsExecuted, what).toBe(receipt.requests);
}

// The first model's passages come before the second's.
const STEPS = [
  ["store.finished:after", 1] as const,
  ...["store.open:after", "store.addToPlan:after", "store.finishPlan:after"].map(second),
  ...["store.intend:after", "provider.create:after", "store.ended:after"].map(second),
  ...["store.collected:before", "store.finished:after"].map(second),
];

function second(at: string): readonly [string, number] {
  return [at, 2];
}

describe("a run with a fallback", () => {
  it.each(STEPS)("goes on when killed at %s, passage %i", { timeout: 60_000 }, async (at, nth) => {
    const killed = await stand(SHAPE);
    const ended = await killed.start([{ at, nth, action: "kill" }]).ended;
    expect(ended.stdout).toContain(`struck at ${at}`);
    judge(killed, receiptOf(await killed.finish()), at);
  });

  it("comes out whole of kills at random instants", { timeout: 120_000 }, async () => {
    let kills = 0;
    for (let seed = 1; kills < 8; seed += 1) {
      const emulator = { seed, answer, runMs: 30, faults: { delayMs: 4 } };
      const killed = kept(
        await newStand({ ...SHAPE, rows: { count: 90 }, emulator, job: { second: "fallback" } }),
      );
      const how = { random: randomOf(seed), most: 5, spanMs: 900 };
      const survival = await killAtRandom(killed, how);
      judge(killed, survival.receipt, `seed ${String(seed)}`);
      kills += survival.kills;
    }
  });
});
