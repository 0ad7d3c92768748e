import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Exchange } from "../../src/provider/live-http.ts";
import {
  askedWaitMs,
  backoffMs,
  durationMs,
  isTriedAgain,
  troubleOf,
  usedUpForMs,
} from "../../src/provider/live-retry.ts";

const answered = (status: number, headers: Readonly<Record<string, string>> = {}): Exchange => ({
  kind: "answered",
  status,
  header: (name) => headers[name] ?? null,
  text: "",
});

describe("trouble", () => {
  it.each([
    [200, null],
    [400, null],
    [404, null],
    [408, "failed"],
    [409, "failed"],
    [422, null],
    [425, "failed"],
    [429, "crowded"],
    [500, "failed"],
    [501, null],
    [503, "crowded"],
    [529, "crowded"],
  ])("with status %i is %s", (status, trouble) => {
    expect(troubleOf(answered(status), true)).toBe(trouble);
  });

  it("is a reply that is no JSON, one that is late and one that is lost", () => {
    expect(troubleOf(answered(200), false)).toBe("failed");
    expect(troubleOf({ kind: "timed_out", message: "" }, false)).toBe("timed_out");
    expect(troubleOf({ kind: "broken", message: "" }, false)).toBe("failed");
  });

  it("ends for every kind after some tries", () => {
    const triesOf = (trouble: "crowded" | "failed" | "timed_out"): number => {
      let tries = 1;
      while (isTriedAgain(trouble, tries)) tries += 1;
      return tries;
    };
    expect([triesOf("crowded"), triesOf("failed"), triesOf("timed_out")]).toEqual([10, 5, 2]);
  });
});

describe("the wait", () => {
  it("grows to half a minute, is spread downwards by a half, and never undercuts the server", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: 0, max: 1e6 }), { nil: undefined }),
        (tries, random, askedMs) => {
          const waitMs = backoffMs(tries, askedMs, random);
          const most = Math.min(30_000, 500 * 2 ** (tries - 1));
          expect(waitMs).toBeGreaterThanOrEqual(Math.max(askedMs ?? 0, most / 2));
          expect(waitMs).toBeLessThanOrEqual(Math.max(askedMs ?? 0, most));
        },
      ),
    );
  });

  it("is what Retry-After says: seconds, milliseconds or a date", () => {
    expect(askedWaitMs(answered(429, { "retry-after": "7" }))).toBe(7000);
    expect(askedWaitMs(answered(429, { "retry-after-ms": "30", "retry-after": "7" }))).toBe(30);
    const past = new Date(Date.now() - 60_000).toUTCString();
    expect(askedWaitMs(answered(429, { "retry-after": past }))).toBe(0);
    expect(askedWaitMs(answered(429, { "retry-after": "soon" }))).toBeUndefined();
    expect(askedWaitMs(answered(429))).toBeUndefined();
  });
});

describe("what a server says of its limits", () => {
  const header =
    (headers: Readonly<Record<string, string>>) =>
    (name: string): string | null =>
      headers[`x-ratelimit-${name.replace("x-ratelimit-", "")}`] ?? null;

  it.each<[string, Record<string, string>, number]>([
    ["nothing", {}, 0],
    ["room", { "x-ratelimit-remaining-requests": "1", "x-ratelimit-reset-requests": "9s" }, 0],
    [
      "none left",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "9s" },
      9000,
    ],
    [
      "too few tokens",
      { "x-ratelimit-remaining-tokens": "99", "x-ratelimit-reset-tokens": "20ms" },
      20,
    ],
    [
      "enough tokens",
      { "x-ratelimit-remaining-tokens": "100", "x-ratelimit-reset-tokens": "20ms" },
      0,
    ],
    [
      "a day",
      { "x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8h" },
      60_000,
    ],
    ["no end", { "x-ratelimit-remaining-requests": "0" }, 0],
    [
      "no number",
      { "x-ratelimit-remaining-requests": "many", "x-ratelimit-reset-requests": "9s" },
      0,
    ],
  ])("holds back for as long as it says: %s", (_, headers, waitMs) => {
    expect(usedUpForMs(header(headers), 100)).toBe(waitMs);
  });

  it.each([
    ["1s", 1000],
    ["6m0s", 360_000],
    ["2m59.56s", 179_560],
    ["1h2m3s", 3_723_000],
    ["7.66s", 7660],
    ["20ms", 20],
    ["12", 12_000],
    ["", null],
    ["soon", null],
  ])("reads %s", (text, ms) => {
    expect(durationMs(text)).toBe(ms);
  });
});
