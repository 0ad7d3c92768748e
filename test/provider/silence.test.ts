import { expect, it, onTestFinished, vi } from "vitest";
import { watchSilence } from "../../src/provider/silence.ts";

it("fires once nothing was heard for so long, and not while it is paused", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const silence = watchSilence(1000);
  vi.advanceTimersByTime(999);
  silence.heard();
  vi.advanceTimersByTime(999);
  silence.pause();
  vi.advanceTimersByTime(5000);
  expect(silence.signal.aborted).toBe(false);
  silence.heard();
  vi.advanceTimersByTime(1000);
  expect(silence.signal.reason).toMatchObject({ message: "Nothing came for 1 s." });
});
