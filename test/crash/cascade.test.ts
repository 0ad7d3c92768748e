/** A cascade is killed at every step of its second and third pass, and nothing is lost or paid twice. */

import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { EmulatorOptions } from "../../src/emulator/emulator.ts";
import { killAtRandom, randomOf } from "./kills.ts";
import {
  answerTo,
  damageOf,
  newStand,
  receiptOf,
  UNHARMED,
  type Stand,
  type StandShape,
} from "./stand.ts";
import { kept, stand } from "./stands.ts";

/** The cheap model refuses every third subject, is wrong about every fifth and does not say how sure it is of it. */
const answer: NonNullable<EmulatorOptions["answer"]> = ({ body }) => {
  const { model, messages } = body as unknown as { model: string; messages: { content: string }[] };
  const text = messages.at(-1)?.content ?? "";
  const subject = Number(/subject (\d+)/.exec(text)?.[1]);
  const label = answerTo(text);
  const say = (said: object) => ({ content: JSON.stringify(said) });
  if (model === "gpt-large") return say({ label });
  if (subject % 3 === 0) return { content: null, refusal: "I cannot." };
  return say(subject % 5 === 0 ? { label: "wrong", confidence: null } : { label, confidence: 95 });
};

const SHAPE: StandShape = {
  rows: { count: 60 },
  emulator: { answer },
  job: { second: "cascade", chunkRows: 1000 },
};

function judge(of: Stand, receipt: Receipt, what: string): void {
  expect(damageOf(of, receipt), what).toEqual(UNHARMED);
  expect(
    receipt.passes?.map(({ role }) => role),
    what,
  ).toEqual(["cheap", "sample", "strong"]);
  expect(receipt.cascade?.sampled, what).toBe(20);
  expect(of.emulator.stats().rowsExecuted, what).toBe(receipt.requests);
}

const STEPS = [
  ...["store.finished:after", "store.open:after", "store.finishPlan:before"],
  ...["store.intend:after", "provider.create:after", "store.collected:before"],
].flatMap((at) => [[at, 2] as const, [at, 3] as const]);

describe("a cascade", () => {
  it.each(STEPS)("goes on when killed at %s, passage %i", { timeout: 60_000 }, async (at, nth) => {
    const killed = await stand(SHAPE);
    const ended = await killed.start([{ at, nth, action: "kill" }]).ended;
    expect(ended.stdout).toContain(`struck at ${at}`);
    judge(killed, receiptOf(await killed.finish()), at);
  });

  it("comes out whole of kills at random instants", { timeout: 180_000 }, async () => {
    let kills = 0;
    for (let seed = 1; kills < 8; seed += 1) {
      const emulator = { seed, answer, runMs: 30, faults: { delayMs: 4 } };
      const shape: StandShape = { rows: { count: 90 }, emulator, job: { second: "cascade" } };
      const killed = kept(await newStand(shape));
      const how = { random: randomOf(seed), most: 5, spanMs: 1200 };
      const survival = await killAtRandom(killed, how);
      judge(killed, survival.receipt, `seed ${String(seed)}`);
      kills += survival.kills;
    }
  });
});
