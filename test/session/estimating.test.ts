import { afterEach, describe, expect, it } from "vitest";
import type { PromptCache } from "../../src/core/call-settings.ts";
import type { AnswerForm } from "../../src/core/form.ts";
import type { NewRequest } from "../../src/core/plan.ts";
import { bandUsd } from "../../src/core/plan-cost.ts";
import { priceOf } from "../../src/core/price.ts";
import { NO_USAGE } from "../../src/core/usage.ts";
import { countedInThread, countsOf, type TokenCounts } from "../../src/session/counting.ts";
import { estimator, type ChunkLoad, type Estimator } from "../../src/session/estimating.ts";
import { planThread, type PlanThread } from "../../src/session/plan-thread.ts";
import { thinksByItself, tokenCounter } from "../../src/session/tokenizer.ts";

const TEXT: AnswerForm = { kind: "text" };

const open: PlanThread[] = [];

afterEach(async () => {
  for (const thread of open.splice(0)) await thread.close();
});

function countsBy(provider: string, model: string): TokenCounts {
  const thread = planThread(countedInThread({ provider, model }));
  open.push(thread);
  return countsOf({ provider, model }, thread);
}

function estimatorOf(model = "openai/gpt-4o-mini"): Estimator {
  const [provider = "", name = ""] = model.split("/");
  return estimator({
    spec: { model: name, params: {}, form: TEXT, settings: {}, promptCache: null },
    counts: countsBy(provider, name),
    thinks: thinksByItself(provider, name),
    price: priceOf(provider, name),
  });
}

function requestOf(ordinal: number, content: string): NewRequest {
  const messages = [{ role: "user", content }] as const;
  return { ordinal, id: String(ordinal), prompt: { messages, cells: [] } };
}

function loadOf(estimates: Estimator, requests: readonly NewRequest[]): ChunkLoad {
  const scale = estimates.scale();
  for (const request of requests) scale.add(request);
  return scale.take();
}

function planned(estimates: Estimator, requests: readonly NewRequest[]): ChunkLoad {
  for (const request of requests) estimates.see(request);
  return loadOf(estimates, requests);
}

const WORDS =
  "the quick brown fox of batches jumps over lazy dataframes and never misses a row".split(" ");

/** Texts of many lengths, the later ones longer. */
const texts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, row) =>
    Array.from(
      { length: 5 + ((row * 7) % 40) + (row * 30) / count },
      (_, at) => WORDS[(row + at * at) % WORDS.length],
    ).join(" "),
  );

describe("an estimate of prompts", () => {
  it("is within two per cent of what the model's own tokenizer counts, though few are counted", async () => {
    const { count } = await tokenCounter("openai", "gpt-4o-mini");
    const estimates = estimatorOf();
    const all = texts(20_000);
    const { tokens, inputBy } = await estimates.whole(
      planned(
        estimates,
        all.map((text, at) => requestOf(at, text)),
      ),
    );
    // Four for each message and three for each conversation go around the text.
    const exact = all.reduce((sum, text) => sum + count(text) + 7, 0);
    expect(inputBy).toBe("tokenizer");
    expect(Math.abs(tokens.inputTokens / exact - 1)).toBeLessThan(0.02);
  });

  it("counts <|endoftext|> and half characters in a cell as the text they are", async () => {
    for (const model of ["openai/gpt-4o", "openai/gpt-4", "anthropic/claude-sonnet-5"]) {
      const estimates = estimatorOf(model);
      const odd = "say <|endoftext|> and <|im_start|>system \ud83d";
      const load = planned(estimates, [requestOf(0, odd)]);
      const { inputTokens } = await estimates.estimate(load);
      expect(inputTokens).toBeGreaterThan(15);
      expect(inputTokens).toBeLessThan(60);
    }
  });

  it("says that it goes by characters where the model's tokenizer is not known", async () => {
    const estimates = estimatorOf("anthropic/claude-sonnet-5");
    const made = await estimates.whole(
      planned(
        estimates,
        texts(50).map((text, at) => requestOf(at, text)),
      ),
    );
    expect(made).toMatchObject({ inputBy: "characters", outputBy: "assumption", repliesSeen: 0 });
    expect(made.tokens.inputError).toBeGreaterThan(0.2);
  });

  it("takes a text of a million characters from its beginning, middle and end", async () => {
    const estimates = estimatorOf();
    const text = "word ".repeat(200_000);
    const { inputTokens } = await estimates.estimate(planned(estimates, [requestOf(0, text)]));
    expect(Math.abs(inputTokens / 200_000 - 1)).toBeLessThan(0.02);
  });

  it("counts pictures and documents as more than nothing", async () => {
    const estimates = estimatorOf();
    const content = [
      { type: "image", url: "https://example.com/a.png" },
      { type: "file", data: "x".repeat(400_000), mediaType: "application/pdf" },
    ] as const;
    const plain = requestOf(0, "");
    const prompt = { messages: [{ role: "user", content }] as const, cells: [] };
    const { inputTokens } = await estimates.estimate(planned(estimates, [{ ...plain, prompt }]));
    expect(inputTokens).toBeGreaterThan(5000);
  });

  it("keeps prompts apart that are charged as long ones", async () => {
    const estimates = estimatorOf("openai/gpt-5.4");
    const long = requestOf(0, "word ".repeat(300_000));
    const load = planned(estimates, [long, requestOf(1, "word")]);
    expect((await estimates.estimate(load)).long?.inputTokens).toBeGreaterThan(271_999);
    expect(load).toMatchObject({ short: { requests: 1 }, others: [1_500_016] });
  });
});

describe("an estimate that has seen answers", () => {
  it("goes by what they were billed", async () => {
    const estimates = estimatorOf("anthropic/claude-sonnet-5");
    const requests = texts(200).map((text, at) => requestOf(at, text));
    const { tokens: before } = await estimates.whole(planned(estimates, requests));
    for (const request of requests.slice(0, 30)) {
      const { short } = loadOf(estimates, [request]);
      const inputTokens = short.units;
      estimates.answered(request, { ...NO_USAGE, inputTokens, outputTokens: 7 });
    }
    const rest = loadOf(estimates, requests.slice(30));
    const { tokens, ...how } = await estimates.whole(rest);
    expect(how).toEqual({ inputBy: "replies", outputBy: "replies", repliesSeen: 30 });
    expect(tokens.inputTokens / rest.short.units).toBeCloseTo(1, 1);
    expect(tokens.inputTokens).toBeGreaterThan(before.inputTokens * 2);
    expect(tokens.outputTokens.low).toBeGreaterThan(170 * 7 * 0.9);
    expect(tokens.outputTokens.expected).toBe(170 * 7);
    expect(tokens.outputTokens.high).toBeLessThan(170 * 7 * 1.1);
  });
});

describe("a tokenizer", () => {
  it("is the model's own for OpenAI's models and for nobody else's", async () => {
    const exact = async (provider: string, model: string): Promise<boolean> =>
      (await tokenCounter(provider, model)).isExact;
    expect(await exact("openai", "gpt-5-mini")).toBe(true);
    expect(await exact("openai", "text-embedding-3-small")).toBe(true);
    expect(await exact("groq", "openai/gpt-oss-20b")).toBe(true);
    expect(await exact("openai", "somebody-elses")).toBe(false);
    expect(await exact("mistral", "gpt-4o")).toBe(false);
  });
});

describe("prompts that are to be kept in the provider's cache", () => {
  it.each([
    ["5m", 1.25],
    ["1h", 2],
  ] as const)("for %s cost at worst what writing all of them there does", async (ttl, times) => {
    const price = { ...priceOf("anthropic", "claude-haiku-4-5"), outputPerM: 0 } as NonNullable<
      ReturnType<typeof priceOf>
    >;
    const model = "claude-haiku-4-5";
    const spec = { model, params: {}, form: TEXT, settings: {}, promptCache: null };
    const counts = countsBy("anthropic", model);
    const bandOf = async (promptCache: PromptCache | null): Promise<ReturnType<typeof bandUsd>> => {
      const estimates = estimator({
        ...{ spec: { ...spec, promptCache }, counts, thinks: false, price },
      });
      const load = planned(estimates, [requestOf(0, "a b c"), requestOf(1, "d e f g")]);
      return bandUsd(await estimates.estimate(load), price, "batch");
    };
    const [plain, kept] = [await bandOf(null), await bandOf({ system: true, ttl })];
    expect(kept.high / plain.high).toBeCloseTo(times, 6);
    expect([kept.low, kept.expected]).toEqual([plain.low, plain.expected]);
    // A key alone only says where to look.
    expect(await bandOf({ key: "k" })).toEqual(plain);
  });
});
