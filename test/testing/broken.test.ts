/** The suite itself: each promise fails for a provider that breaks it, and for no sound one. */

import { describe, expect, it } from "vitest";
import { startEmulator } from "../../src/emulator/emulator.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { openaiProvider } from "../../src/provider/openai.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import {
  CONTRACT_KEY,
  providerContract,
  rowsContract,
  type Connect,
  type Runner,
} from "../../src/testing/testing.ts";

type Break = (sound: BatchProvider) => Partial<BatchProvider>;

function connected(broken: Break): Connect {
  return async (options) => {
    const emulator = await startEmulator(options);
    const sound = openaiProvider({ apiKey: CONTRACT_KEY, baseUrl: emulator.url, settleMs: 200 });
    return { service: emulator, provider: { ...sound, ...broken(sound) } };
  };
}

/** The tests that both contracts tell, by name. */
function told(broken: Break): ReadonlyMap<string, () => Promise<void>> {
  const tests = new Map<string, () => Promise<void>>();
  const tell = (name: string, test: () => Promise<void>): void => void tests.set(name, test);
  const runner: Runner = {
    describe: (_name, body) => {
      body();
    },
    it: Object.assign(tell, { skip: tell }),
  };
  providerContract(runner, "broken", connected(broken));
  const carries = ["text", "labels", "object", "tools", "imageBytes", "imageUrl"] as const;
  rowsContract(runner, "broken", connected(broken), {
    carries: [...carries, "toolChoice", "fileBytes", "embedding", "reasoning", "cacheKey"],
    holdsSchemas: true,
  });
  return tests;
}

/** What is broken, the promise that must catch it, and how. */
const BREAKS: readonly (readonly [what: string, promise: string, broken: Break])[] = [
  [
    "answers under another id",
    "answers a batch",
    (sound) => ({ parse: (line) => ({ ...sound.parse(line), customId: "rabcdefg-1-0" }) }),
  ],
  [
    "takes what is under way for ended",
    "tells how far a batch is",
    () => ({
      poll: () =>
        Promise.resolve({
          phase: "ended",
          ending: { outcome: "completed", results: {}, reason: null },
        }),
    }),
  ],
  [
    "loses the failures",
    "gives failed requests beside answered ones",
    (sound) => ({
      replies: (batch, { results: { error: _lost, ...results }, ...ending }, signal) =>
        sound.replies(batch, { ...ending, results }, signal),
    }),
  ],
  [
    "gives half a file and says nothing",
    "cut off (shortLength)",
    (sound) => ({
      replies: async function* (...given) {
        try {
          yield* sound.replies(...given);
        } catch {
          return;
        }
      },
    }),
  ],
  [
    "creates a second time after an error",
    "the batch by its tag (createAcceptedThen500)",
    (sound) => ({
      create: (...given) => sound.create(...given).catch(() => sound.create(...given)),
    }),
  ],
  [
    "adopts whatever batch there is",
    "nor another intent's batch",
    (sound) => ({
      find: async (_submission, signal) => {
        for await (const { batchId } of sound.list(signal)) return { found: "batch", batchId };
        return { found: "nothing" };
      },
    }),
  ],
  [
    "looks at one page only",
    "on a later page",
    (sound) => ({
      find: async ({ tag }, signal) => {
        let seen = 0;
        for await (const batch of sound.list(signal)) {
          if (batch.tag?.intent === tag.intent) return { found: "batch", batchId: batch.batchId };
          if (++seen === 20) break;
        }
        return { found: "nothing" };
      },
    }),
  ],
  ["leaves uploads", "revokes the upload", () => ({ revoke: () => Promise.resolve() })],
  ["leaves files", "deletes the remote files", () => ({ discard: () => Promise.resolve() })],
  [
    "tells the key",
    "never which one it was",
    (sound) => ({
      stage: (...given) =>
        sound.stage(...given).catch((error: unknown) => {
          if (error instanceof Error) error.message += CONTRACT_KEY;
          throw error;
        }),
    }),
  ],
  [
    "forgets how long to wait",
    "how long it was asked to wait",
    (sound) => ({
      stage: (...given) =>
        sound.stage(...given).catch((error: unknown) => {
          if (error instanceof ProviderError) Object.assign(error, { retryAfterMs: undefined });
          throw error;
        }),
    }),
  ],
  [
    "sends in silence what it cannot carry",
    "refuses cacheMarks",
    (sound) => ({
      check: () => undefined,
      encode: (request, id) => sound.encode({ ...request, promptCache: null }, id),
    }),
  ],
  [
    "asks before it refuses",
    "refuses fileUrl",
    (sound) => ({
      check: () => void Array.fromAsync(sound.list(new AbortController().signal)).catch(() => null),
    }),
  ],
  [
    "drops settings",
    "carries tools",
    (sound) => ({ encode: (request, id) => sound.encode({ ...request, settings: {} }, id) }),
  ],
  [
    "takes half an answer for a whole one",
    "cuts an answer off",
    (sound) => ({
      parse: (line) => {
        const { customId, usage } = sound.parse(line);
        return { status: "succeeded", customId, text: "word", model: null, usage };
      },
    }),
  ],
  [
    "forgets cached tokens",
    "counts cached and reasoning tokens",
    (sound) => ({
      parse: (line) => {
        const result = sound.parse(line);
        const usage = result.usage && { ...result.usage, cachedInputTokens: 0 };
        return { ...result, usage };
      },
    }),
  ],
  ["calls itself free", "whether answers are free", () => ({ free: true })],
];

describe("a broken provider", () => {
  it.each(BREAKS)("that %s is caught", async (_what, promise, broken) => {
    const [[, test] = [], ...more] = [...told(broken)].filter(([name]) => name.includes(promise));
    expect(more).toEqual([]);
    await expect(test?.()).rejects.toThrow();
  });
});

describe("a promise", () => {
  it("is told as skipped, by name and reason, where the service cannot try it", () => {
    const [run, skipped]: [string[], string[]] = [[], []];
    const runner: Runner = {
      describe: (_name, body) => {
        body();
      },
      it: Object.assign((name: string) => run.push(name), {
        skip: (name: string) => skipped.push(name),
      }),
    };
    providerContract(runner, "plain", () => Promise.reject(new Error("Not now.")), { powers: [] });
    expect(run.length + skipped.length).toBe(told(() => ({})).size - ROWS);
    expect(run).toContain(
      "answers a batch: every request under its own id, with its answer and usage",
    );
    expect(skipped).toContain(
      "passes on how long it was asked to wait [not tried: the service has no faults]",
    );
    expect(skipped).toContain(
      "deletes the remote files of a collected batch, as often as asked [not tried: the service has no faults, books]",
    );
  });

  it("says which power of a service is declared and lacks its method", async () => {
    const tests = told(() => ({}));
    expect(tests.size).toBeGreaterThan(ROWS);
    const alone: Connect = async (options) => {
      const { service, provider } = await connected(() => ({}))(options);
      return { service: { close: () => service.close() }, provider };
    };
    const named = new Map<string, () => Promise<void>>();
    const tell = (name: string, test: () => Promise<void>): void => void named.set(name, test);
    const runner: Runner = {
      describe: (_name, body) => {
        body();
      },
      it: Object.assign(tell, { skip: tell }),
    };
    providerContract(runner, "alone", alone);
    const test = named.get("says why a batch failed, and whether sending it again may help");
    await expect(test?.()).rejects.toThrow("A service with the power `faults` needs setFaults.");
  });
});

/** How many tests the contract of rows tells. */
const ROWS = 21;
