import { execFileSync } from "node:child_process";
import { join } from "node:path";
import fc from "../property.ts";
import { afterEach, describe, expect, it, vi } from "vitest";
import { commandLine, enrichedPath, runCommandLine, shortPath } from "../../src/cli/paths.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("enrichedPath", () => {
  it.each([
    ["reviews.csv", "reviews.enriched.csv"],
    ["data/my.old.csv", "data/my.old.enriched.csv"],
    ["/a/b/plain", "/a/b/plain.enriched.csv"],
    ["x.tsv", "x.enriched.tsv"],
    ["a/x.old.jsonl.gz", "a/x.old.enriched.jsonl.gz"],
    ["x.gz", "x.enriched.gz"],
    ["a/parts/*.csv.zst", "a/parts.enriched.csv.zst"],
    ["*.json", "all.enriched.json"],
    ["parts/", "parts.enriched.csv"],
    ["-", "-"],
  ])("of %s is %s", (input, output) => {
    expect(enrichedPath(input)).toBe(output);
  });
});

describe("shortPath", () => {
  it("is relative where that is shorter", () => {
    expect(shortPath(join(process.cwd(), "a", "b.csv"))).toBe(join("a", "b.csv"));
    expect(shortPath(process.cwd())).toBe(".");
    expect(shortPath("/x")).toBe("/x");
  });
});

describe("commandLine", () => {
  it("is read by a shell as the words it was made of", () => {
    // Without NUL, which no argument can hold.
    const word = fc.string({ maxLength: 12 }).filter((text) => !text.includes("\0"));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const print = `printf '%s\\0' ${commandLine(words)}`;
        expect(execFileSync("sh", ["-c", print]).toString().split("\0").slice(0, -1)).toEqual(
          words,
        );
      }),
      { numRuns: 25 },
    );
  });
});

describe("runCommandLine", () => {
  it("names the directory of runs only where it is not the usual one", () => {
    vi.stubEnv("npm_command", "");
    expect(runCommandLine("resume", "r1", undefined)).toBe("batchframe resume r1");
    expect(runCommandLine("resume", "r1", "my runs")).toBe(
      "batchframe resume r1 --run-dir 'my runs'",
    );
  });

  it("goes through npx for who came through npm", () => {
    vi.stubEnv("npm_command", "exec");
    expect(runCommandLine("status", "r1", undefined)).toBe("npx batchframe status r1");
  });
});
