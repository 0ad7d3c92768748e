import pl from "nodejs-polars";
import { expect, it, onTestFinished } from "vitest";
import * as z from "zod";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { enrichColumn } from "../../src/enrich.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { newFolder } from "../frame/support.ts";

/** What the plan of a run says beforehand, and how much was sent for it. */
async function warningsOf(
  provider: "openai" | "anthropic" | "groq",
  output: OutputOption,
): Promise<readonly string[]> {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const run = enrichColumn(
    pl.DataFrame({ text: ["a"] }),
    "{{text}}",
    { provider, model: "claude-haiku-4-5", baseUrl: emulator.urls[provider], apiKey: "key" },
    { output, runDir: await newFolder() },
  );
  const { warnings, requests } = await run.plan();
  expect(requests).toBe(1);
  expect(emulator.requests()).toEqual([]);
  return warnings;
}

const REVIEW = z.object({
  name: z.string().min(2).max(40),
  tags: z.array(z.string().max(10)),
  score: z.int().min(1).max(5),
});

it("tells each keyword that the provider is not, with its places", async () => {
  expect(await warningsOf("openai", REVIEW)).toEqual([
    "openai's strict mode does not take minLength (at #/properties/name); answers are checked against it on this machine.",
    "openai's strict mode does not take maxLength (at #/properties/name and 1 more); answers are checked against it on this machine.",
  ]);
  const others = await warningsOf("anthropic", REVIEW);
  expect(others.map((text) => /does not take (\w+)/.exec(text)?.[1])).toEqual([
    ...["minLength", "maxLength", "minimum", "maximum"],
  ]);
});

it("says nothing where nothing is left out", async () => {
  expect(await warningsOf("groq", REVIEW)).toEqual([]);
  for (const output of [undefined, { labels: ["a", "b"] } as const, "topic: a|b, score: float"])
    expect(await warningsOf("openai", output)).toEqual([]);
});

it("tells that a host has no batches, and charges live calls there at their full price", async () => {
  const emulator = await startEmulator();
  onTestFinished(() => emulator.close());
  const at = async (
    baseUrl: string,
  ): Promise<{ warnings: readonly string[]; share: number | null }> => {
    const run = enrichColumn(
      pl.DataFrame({ text: ["a"] }),
      "{{text}}",
      { provider: "regolo", model: "m", baseUrl, apiKey: "key" },
      {
        prices: { "regolo/m": { inputPerM: 2, outputPerM: 4, batchShare: 0.5 } },
        runDir: await newFolder(),
        pollEveryMs: 20,
      },
    );
    const { warnings } = await run.plan();
    await run;
    const { usage, costUsd } = await run.report();
    const full = (usage.inputTokens * 2 + usage.outputTokens * 4) / 1e6;
    return { warnings, share: costUsd === null ? null : costUsd / full };
  };
  const batched = await at(emulator.urls.regolo);
  expect(batched.warnings).toEqual([]);
  expect(batched.share).toBeCloseTo(0.5, 9);
  const live = await at(emulator.urls.plain);
  expect(live.warnings).toEqual([
    expect.stringMatching(/has no batches: in either lane every request is asked by itself/),
  ]);
  expect(live.share).toBeCloseTo(1, 9);
});
