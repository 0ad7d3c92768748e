import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import type { AnswerForm } from "../src/core/form.ts";
import { ProviderError } from "../src/core/errors.ts";
import type { Faults } from "../src/emulator/emulator.ts";
import { table } from "../src/emulator/emulator.ts";
import { writeRequests } from "../src/stages/write-requests.ts";
import type { RowOutcome } from "../src/stages/join.ts";
import { scene, textsOf, type Scene } from "./stages/support.ts";

const MOOD: AnswerForm = { kind: "labels", labels: [{ name: "good" }, { name: "bad" }] };
const TEXTS = textsOf(12);

const valueOf = (outcome: RowOutcome | undefined): unknown =>
  outcome?.status === "ok" ? outcome.value : outcome;

const codesOf = (outcomes: readonly RowOutcome[]): readonly string[] =>
  outcomes.map((outcome) => (outcome.status === "failed" ? outcome.code : outcome.status));

/** Rows that echo came back, each to its own row. */
async function expectEchoed(run: Scene, texts: readonly string[] = TEXTS): Promise<void> {
  expect((await run.outcomes()).map(valueOf)).toEqual(texts);
}

describe("a run over a provider that behaves", () => {
  it("answers every row in order, executes each request once, and cleans up", async () => {
    const run = await scene({ texts: TEXTS, requestsPerChunk: 5 });
    expect(await run.drive()).toBe(true);
    await expectEchoed(run);
    expect(run.warnings).toEqual([]);
    expect(run.emulator.stats()).toMatchObject({
      batchesCreated: 3,
      rowsExecuted: 12,
      bodiesBilledAgain: 0,
    });
    expect(run.emulator.stats().fileDeletions).toBe(6);
    expect((await run.store.run()).finishedAtMs).not.toBeNull();
  });

  it("sends nothing when it is driven again", async () => {
    const run = await scene({ texts: TEXTS });
    await run.drive();
    const calls = run.emulator.requests().length;
    expect(await run.drive()).toBe(true);
    expect(run.emulator.requests()).toHaveLength(calls);
  });

  it("leaves remote files where they are when asked to", async () => {
    const run = await scene({ texts: TEXTS });
    await run.drive({ keepRemote: true });
    expect(run.emulator.stats().fileDeletions).toBe(0);
  });

  it("takes what is ready and does not wait for the rest under once", async () => {
    const run = await scene({ texts: TEXTS, emulator: { faults: { stuck: 1 } } });
    expect(await run.drive({ once: true })).toBe(false);
    while (run.emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(await run.drive()).toBe(true);
    await expectEchoed(run);
    expect(run.emulator.stats().batchesCreated).toBe(1);
  });
});

describe("a batch that leaves requests unanswered", () => {
  it("has them sent again, and only them, when it expires", async () => {
    const faults: Faults = { expireAfterRows: { fraction: 0.5, count: 1 } };
    const run = await scene({ texts: TEXTS, emulator: { faults } });
    await run.drive();
    await expectEchoed(run);
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 0 });
    expect(run.warnings.map(({ code }) => code)).toContain("batch_expired");
  });

  it("has them sent again when somebody cancels it at the provider", async () => {
    const run = await scene({ texts: TEXTS, emulator: { faults: { stuck: { count: 1 } } } });
    await run.drive({ once: true });
    const [chunk] = await run.store.chunks();
    await fetch(`${run.emulator.url}/batches/${chunk?.batchId ?? ""}/cancel`, {
      method: "POST",
      headers: { authorization: "Bearer test-key" },
    });
    run.emulator.setFaults({});
    await run.drive();
    await expectEchoed(run);
    expect(run.emulator.stats().bodiesBilledAgain).toBe(0);
  });

  it.each(["noFile", "emptyFile"] as const)(
    "has all of them sent again when it completed with no output (%s)",
    async (how) => {
      const run = await scene({
        texts: TEXTS,
        emulator: { faults: { emptyOutput: { count: 1, how } } },
      });
      await run.drive();
      await expectEchoed(run);
      expect(run.emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 12 });
    },
  );

  it("has the dropped ones sent again, and counts what came twice or was never asked", async () => {
    const run = await scene({
      texts: TEXTS,
      emulator: {
        faults: {
          dropRows: { customIds: ["rabcdefg-1-3", "rabcdefg-1-7"] },
          duplicateRows: { customIds: ["rabcdefg-1-1"] },
          unknownIds: { customIds: ["rabcdefg-1-2"] },
          malformedLine: { customIds: ["rabcdefg-1-5"] },
        },
      },
    });
    await run.drive();
    await expectEchoed(run);
    const [first, second, ...more] = await run.store.chunks();
    expect(first?.collection).toMatchObject({
      match: { answered: 9, missing: 3, duplicates: 1, unknown: 2 },
      succeeded: 9,
      resent: 3,
      failed: 0,
    });
    expect(second).toMatchObject({ origin: "resend", resends: 1, requestCount: 3 });
    expect(more).toEqual([]);
    for (const [at, text] of TEXTS.entries()) {
      const body = { model: "m", messages: [{ role: "user", content: text }] };
      expect(run.emulator.executions({ body })).toBe([3, 5, 7].includes(at) ? 2 : 1);
    }
  });

  it("has rate-limited and broken rows sent again, and keeps final failures", async () => {
    const run = await scene({
      texts: TEXTS,
      emulator: { faults: { failRows: { count: 2, status: 429 } } },
    });
    await run.drive();
    await expectEchoed(run);
    run.emulator.setFaults({});
    const other = await scene({
      texts: TEXTS,
      emulator: { faults: { failRows: { containing: "text 4", status: 400 } } },
    });
    await other.drive();
    expect(codesOf(await other.outcomes())).toEqual(
      TEXTS.map((text) => (text === "text 4" ? "invalid_input" : "ok")),
    );
    expect(other.emulator.stats().batchesCreated).toBe(1);
  });

  it("of which nothing succeeded fails row by row, and throws nothing", async () => {
    const run = await scene({ texts: TEXTS, emulator: { faults: { failRows: { status: 400 } } } });
    expect(await run.drive()).toBe(true);
    expect(new Set(codesOf(await run.outcomes()))).toEqual(new Set(["invalid_input"]));
    expect(run.emulator.stats().rowsExecuted).toBe(0);
  });

  it.each<[Faults, string]>([
    [{ dropRows: 1 }, "missing"],
    [{ failRows: { status: 500 } }, "provider_error"],
    [{ failRows: { status: 429 } }, "rate_limited"],
    [{ expireRows: 1 }, "expired"],
    [{ failValidation: { code: "odd", message: "Odd." } }, "provider_error"],
    [{ malformedLine: 1 }, "missing"],
  ])("is sent again at most three times and the run ends: %j", async (faults, code) => {
    const run = await scene({ texts: textsOf(3), emulator: { faults } });
    expect(await run.drive()).toBe(true);
    expect(codesOf(await run.outcomes())).toEqual([code, code, code]);
    expect(run.emulator.stats().batchesCreated).toBe(4);
  });

  it("is not sent again at all when that is asked for, nor when it never could succeed", async () => {
    const once = await scene({ texts: TEXTS, emulator: { faults: { dropRows: 1 } } });
    await once.drive({ maxResends: 0 });
    expect(once.emulator.stats().batchesCreated).toBe(1);
    const failValidation = { code: "model_not_found", message: "No such model." };
    const never = await scene({ texts: TEXTS, emulator: { faults: { failValidation } } });
    await never.drive();
    expect(never.emulator.stats().batchesCreated).toBe(1);
    const [outcome] = await never.outcomes();
    expect(outcome).toMatchObject({ code: "provider_error" });
    expect(outcome).toHaveProperty("message", expect.stringContaining("No such model."));
  });
});

describe("an answer that cannot be used", () => {
  it("is asked for once more with what was wrong, and then fails", async () => {
    const answer = table((text) => (text.startsWith("text 0") ? "good" : '{"label":"bad"}'));
    const run = await scene({ texts: textsOf(3), form: MOOD, emulator: { answer } });
    await run.drive();
    // The second question ends in another message, which this answerer answers with a label.
    expect((await run.outcomes()).map(valueOf)).toEqual(["bad", "bad", "bad"]);
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 2, rowsExecuted: 4 });
    const stubborn = await scene({
      texts: textsOf(3),
      form: MOOD,
      emulator: { answer: table(() => "good") },
    });
    await stubborn.drive();
    expect(codesOf(await stubborn.outcomes())).toEqual(Array(3).fill("invalid_output"));
    expect(stubborn.emulator.stats().rowsExecuted).toBe(6);
  });

  it("because it was cut off is asked for once more only where a cap can be raised", async () => {
    const faults: Faults = { truncateRows: 1 };
    const free = await scene({ texts: textsOf(3), emulator: { faults } });
    await free.drive();
    expect(codesOf(await free.outcomes())).toEqual(Array(3).fill("truncated"));
    expect(free.emulator.stats().batchesCreated).toBe(1);
    const params = { max_completion_tokens: 50 };
    const capped = await scene({ texts: textsOf(3), params, emulator: { faults } });
    await capped.drive();
    expect(codesOf(await capped.outcomes())).toEqual(Array(3).fill("truncated"));
    expect(capped.emulator.stats().batchesCreated).toBe(2);
    const body = {
      model: "m",
      messages: [{ role: "user", content: "text 0" }],
      max_completion_tokens: 100,
    };
    expect(capped.emulator.executions({ body })).toBe(1);
  });

  it.each<[Faults, string]>([
    [{ refuseRows: 1 }, "refused"],
    [{ contentFilterRows: 1 }, "refused"],
  ])("because it was declined is never asked for again: %j", async (faults, code) => {
    const run = await scene({ texts: textsOf(3), emulator: { faults } });
    await run.drive();
    expect(codesOf(await run.outcomes())).toEqual([code, code, code]);
    expect(run.emulator.stats().rowsExecuted).toBe(3);
  });

  it.each<Faults>([{ nullContentRows: { count: 1 } }, { invalidJsonRows: { count: 1 } }])(
    "is replaced by a usable second one: %j",
    async (faults) => {
      const answer = table(() => '{"label":"good"}');
      const run = await scene({ texts: textsOf(3), form: MOOD, emulator: { answer, faults } });
      await run.drive();
      expect((await run.outcomes()).map(valueOf)).toEqual(["good", "good", "good"]);
      expect(run.emulator.stats().rowsExecuted).toBe(4);
    },
  );

  it("is never taken from odd bytes: separators, NUL and long texts come back as they were", async () => {
    const faults: Faults = { unicodeSeparators: 1, nulRows: { containing: "text 1" } };
    const run = await scene({ texts: textsOf(3), emulator: { faults } });
    await run.drive();
    const values = (await run.outcomes()).map(valueOf);
    expect(values[0]).toContain("\u2028");
    expect(values[1]).toContain("\0");
  });
});

describe("result files that are odd or break off", () => {
  it.each<Faults>([
    { bom: 1, crlf: 1, blankLines: 1, failRows: { count: 1, status: 400 } },
    { cutDownload: { count: 2 } },
    { cutDownload: { count: 2, how: "shortLength" } },
    { wrongContentLength: { count: 1 } },
    { outputIdEmptyString: 1 },
    { noUsage: 1 },
  ])("are read whole: %j", async (faults) => {
    const run = await scene({ texts: TEXTS, emulator: { faults } });
    await run.drive();
    const failed = faults.failRows === undefined ? 0 : 1;
    const outcomes = await run.outcomes();
    expect(codesOf(outcomes).filter((code) => code !== "ok")).toHaveLength(failed);
    for (const [at, outcome] of outcomes.entries())
      if (outcome.status === "ok") expect(outcome.value).toBe(TEXTS[at]);
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
  });
});

describe("a provider in trouble", () => {
  it.each<Faults>([
    { error429: { count: 4, retryAfterMs: 1 } },
    { error500: { count: 4, routes: ["GET /batches/{id}"] } },
    { dropConnection: { count: 3 } },
    { dropReply: { count: 2, routes: ["POST /batches"] } },
    { createAcceptedThenCut: { count: 1 } },
    { createAcceptedThen500: { count: 1 } },
    { uploadAcceptedThenCut: { count: 1 } },
    { notFoundFlicker: { count: 2 } },
  ])("is waited out, and nothing is bought twice: %j", async (faults) => {
    const run = await scene({ texts: TEXTS, requestsPerChunk: 6, emulator: { faults } });
    expect(await run.drive()).toBe(true);
    await expectEchoed(run);
    expect(run.emulator.stats()).toMatchObject({ rowsExecuted: 12, bodiesBilledAgain: 0 });
  });

  it("that shows a new batch late is believed only after it had time to, and nothing is bought twice", async () => {
    const faults: Faults = { createAcceptedThenCut: { count: 1 }, listLagMs: 150 };
    const run = await scene({ texts: TEXTS, emulator: { faults }, settleMs: 20_000 });
    expect(await run.drive()).toBe(true);
    await expectEchoed(run);
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 1, uploads: 1, rowsExecuted: 12 });
  });

  it("that loses the answer to a call as long as settling is looked at for as long again", async () => {
    const faults: Faults = { createAcceptedThenCut: { count: 1 }, listLagMs: 300 };
    const run = await scene({
      texts: TEXTS,
      emulator: { faults },
      settleMs: 1000,
      createTakesMs: 1100,
    });
    expect(await run.drive()).toBe(true);
    await expectEchoed(run);
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 1, uploads: 1, rowsExecuted: 12 });
  });

  it("that refuses the key stops the run at once, with nothing bought and nothing lost", async () => {
    const run = await scene({ texts: TEXTS, emulator: { apiKeys: ["another"] } });
    const error = await run.drive().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProviderError);
    expect(error).toMatchObject({ code: "provider_auth" });
    expect((await run.store.chunks()).map(({ state }) => state)).toEqual(["planned"]);
  });

  it("that has no room is given smaller and fewer batches, and no attempt is used up", async () => {
    const run = await scene({
      texts: textsOf(40),
      requestsPerChunk: 20,
      emulator: { limits: { enqueuedTokens: 60 } },
    });
    expect(await run.drive({ maxResends: 0 })).toBe(true);
    await expectEchoed(run, textsOf(40));
    expect(run.emulator.stats().bodiesBilledAgain).toBe(0);
    expect((await run.store.run()).learnt.maxRequestsPerBatch).not.toBeNull();
  });

  it("that goes on refusing to create a batch, with nothing else under way, is offered smaller ones", async () => {
    const error429 = { count: 5, retryAfterMs: 1, routes: ["POST /batches"] };
    const run = await scene({ texts: TEXTS, emulator: { faults: { error429 } } });
    expect(await run.drive({ maxResends: 0 })).toBe(true);
    await expectEchoed(run);
    expect((await run.store.run()).learnt).toEqual({
      maxBatchesInFlight: 1,
      maxRequestsPerBatch: 6,
    });
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 0 });
  });

  it("that stands still has its batch cancelled and the rest sent again", async () => {
    const run = await scene({ texts: TEXTS, emulator: { faults: { stuck: { count: 1 } } } });
    await run.drive({ stallMs: 400 });
    await expectEchoed(run);
    expect(run.warnings.map(({ code }) => code)).toContain("batch_stalled");
    expect(run.emulator.stats()).toMatchObject({ batchesCreated: 2, bodiesBilledAgain: 0 });
  });
});

describe("requests that several chunks hand on to one", () => {
  it("are all in its file, also those that joined it while it was being written", async () => {
    const run = await scene({
      texts: textsOf(4),
      requestsPerChunk: 2,
      emulator: { faults: { dropRows: { customIds: ["rabcdefg-1-0", "rabcdefg-2-2"] } } },
    });
    const { store } = run;
    // Chunk 1 is collected and leaves a request to chunk 3; chunk 2 has ended and will leave another.
    await store.intend(1, "intent-1");
    await store.submitted(1, "batch-1", "accepted");
    const ending = { outcome: "completed", results: {}, reason: null } as const;
    await store.ended(1, ending);
    const leave = (resend: number): Parameters<typeof store.collected>[1] => ({
      collection: {
        match: { answered: 1, missing: 1, duplicates: 0, unknown: 0 },
        succeeded: 1,
        failed: 0,
        resent: 1,
        usage: {
          inputTokens: 0,
          cachedInputTokens: 0,
          cacheWriteTokens: 0,
          cacheWriteHourTokens: 0,
          outputTokens: 0,
          reasoningTokens: 0,
        },
      },
      index: {
        ordinals: Uint32Array.of(),
        offsets: Float64Array.of(),
        lengths: Uint32Array.of(),
      },
      failures: [],
      resend: Uint32Array.of(resend),
      again: Uint32Array.of(),
    });
    await store.collected(1, leave(0));
    await store.intend(2, "intent-2");
    await store.submitted(2, "batch-2", "accepted");
    await store.ended(2, ending);
    const third = async (): Promise<
      NonNullable<Awaited<ReturnType<typeof store.chunks>>[number]>
    > => {
      const chunk = (await store.chunks()).find(({ number }) => number === 3);
      if (chunk === undefined) throw new Error("There is no third chunk.");
      return chunk;
    };
    const files = {
      ...store.files,
      create: async (name: string) => {
        if ((await third()).requestCount === 1) await store.collected(2, leave(2));
        return await store.files.create(name);
      },
    };
    await writeRequests(await third(), { ...run.ports, store: { ...store, files } });
    expect(await third()).toMatchObject({ requestCount: 2, bytes: null });
    await writeRequests(await third(), run.ports);
    const written = await readFile(store.files.path("000003.requests.jsonl"), "utf8");
    expect(written.match(/rabcdefg-3-\d/g)).toEqual(["rabcdefg-3-0", "rabcdefg-3-2"]);
    expect((await third()).bytes).toBe(Buffer.byteLength(written));
  });
});
