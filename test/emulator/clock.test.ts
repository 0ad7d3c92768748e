import { describe, expect, it } from "vitest";
import { manualClock, systemClock } from "../../src/emulator/clock.ts";

const never = new AbortController().signal;

describe("manualClock", () => {
  it("ends a sleep exactly when it is due", async () => {
    const clock = manualClock(1000);
    const woken: string[] = [];
    const short = clock.sleep(10, never).then(() => woken.push("short"));
    const long = clock.sleep(20, never).then(() => woken.push("long"));
    clock.advance(10);
    await short;
    expect(woken).toEqual(["short"]);
    clock.advance(10);
    await long;
    expect(woken).toEqual(["short", "long"]);
    expect(clock.nowMs()).toBe(1020);
  });

  it("ends a sleep whose signal fires", async () => {
    const clock = manualClock();
    const controller = new AbortController();
    const sleep = clock.sleep(1e12, controller.signal);
    controller.abort();
    await expect(sleep).resolves.toBeUndefined();
  });
});

describe("systemClock", () => {
  it("does not sleep at all once the signal has fired", async () => {
    await expect(systemClock.sleep(1e9, AbortSignal.abort())).resolves.toBeUndefined();
  });

  it("waits for a duration longer than any timer can hold", async () => {
    const controller = new AbortController();
    const woken = { early: false };
    const sleep = systemClock.sleep(1e12, controller.signal).then(() => {
      woken.early = !controller.signal.aborted;
    });
    await systemClock.sleep(20, never);
    controller.abort();
    await sleep;
    expect(woken.early).toBe(false);
  });
});
