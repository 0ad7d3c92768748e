/** What every provider reached over HTTP promises: run against each one and an emulator of its service. */

import { mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Ending, EndingReason } from "../../src/core/chunk.ts";
import { ProviderError } from "../../src/core/errors.ts";
import { linesOf } from "../../src/core/lines.ts";
import type { Result } from "../../src/core/result.ts";
import type { Emulator, EmulatorOptions } from "../../src/emulator/emulator.ts";
import type {
  Batch,
  BatchProvider,
  BatchStatus,
  Sighting,
  Submission,
  Tag,
} from "../../src/provider/provider.ts";

/** A service and a client of it. */
export interface Line {
  readonly emulator: Emulator;
  readonly provider: BatchProvider;
}

/** In what providers differ by nature; OpenAI's way is taken for granted. */
export interface Traits {
  /** The emulator's name of the route that creates a batch. */
  readonly createRoute: string;
  /** What a batch that has just begun says it is doing. */
  readonly firstPhase: BatchStatus["phase"];
  /** Whether a file is uploaded before a batch is created from it. */
  readonly uploads: boolean;
  /** Whether a batch carries its tag, so that it is known before it has ended, intent and all. */
  readonly tagged: boolean;
  /** Whether a batch can fail as a whole. */
  readonly failsWhole: boolean;
  /** Codes with which a batch can fail, and what each says about sending it again. */
  readonly failureCodes: readonly (readonly [string, EndingReason["again"]])[];
  /** Whether a batch that expired gives the answers it had by then. */
  readonly keepsPartial: boolean;
  /** How many remote files are deleted with a batch that has answers and failures. */
  readonly files: number;
}

const OPENAI: Traits = {
  createRoute: "POST /batches",
  firstPhase: "validating",
  uploads: true,
  tagged: true,
  failsWhole: true,
  failureCodes: [
    ["duplicate_custom_id", "never"],
    ["token_limit_exceeded", "room"],
    ["something_new", "later"],
  ],
  keepsPartial: true,
  files: 3,
};

/** The key that every client in these tests uses. */
export const KEY = "sk-contract-0123456789";

const TAG: Tag = { run: "rabcdefg", chunk: 1, intent: "8f14e45f-ceea-467f-a9d0-6f1a2b3c4d5e" };
const NEVER = new AbortController().signal;

/** Tests one provider; `connect` starts its emulator and makes a client that uses {@link KEY}. */
export function providerContract(
  kind: string,
  connect: (options: EmulatorOptions) => Promise<Line>,
  differing: Partial<Traits> = {},
): void {
  const traits = { ...OPENAI, ...differing };
  describe(`${kind}, as a provider`, () => {
    let folder: string;
    let emulator: Emulator;
    let provider: BatchProvider;

    beforeEach(async () => {
      folder = await mkdtemp(join(tmpdir(), "provider-"));
    });
    afterEach(async () => {
      await provider.close();
      await emulator.close();
      await rm(folder, { recursive: true, force: true });
    });

    async function start(options: EmulatorOptions = {}): Promise<void> {
      ({ emulator, provider } = await connect({ seed: 3, ...options }));
    }

    /** A submission of `count` requests, uploaded. */
    async function staged(count = 3, tag = TAG): Promise<Submission> {
      const path = join(folder, "requests.jsonl");
      const lines = Array.from({ length: count }, (_, ordinal) =>
        provider.encode(
          {
            model: "m",
            params: {},
            form: { kind: "text" },
            messages: [{ role: "user", content: `text ${String(ordinal)}` }],
            cells: [],
          },
          `${tag.run}-${String(tag.chunk)}-${String(ordinal)}`,
        ),
      );
      await writeFile(path, lines.map((line) => `${line}\n`).join(""));
      const { size } = await stat(path);
      const file = { name: "requests.jsonl", path, bytes: size, requestCount: count };
      return { tag, file, staged: await provider.stage(file, tag, NEVER), sentAtMs: Date.now() };
    }

    async function created(count = 3, tag = TAG): Promise<Batch> {
      const submission = await staged(count, tag);
      return { ...submission, batchId: await provider.create(submission, NEVER) };
    }

    async function ended(batch: Batch): Promise<Ending> {
      for (;;) {
        const status: BatchStatus = await provider.poll(batch, NEVER);
        if (status.phase === "ended") return status.ending;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }

    async function resultsOf(batch: Batch, ending: Ending): Promise<readonly Result[]> {
      const lines = await Array.fromAsync(linesOf(provider.replies(batch, ending, NEVER)));
      return lines.map((line) => provider.parse(line.text));
    }

    /** What looking for a batch comes to, once it is no longer too early to tell. */
    async function sighted(submission: Submission): Promise<Sighting> {
      for (;;) {
        const sighting = await provider.find(submission, NEVER);
        if (sighting.found !== "unclear") return sighting;
        await new Promise((resolve) => setTimeout(resolve, 2));
      }
    }

    const idsOf = (results: readonly Result[]): readonly (string | null)[] =>
      results.map(({ customId }) => customId).toSorted();

    async function failure(act: () => Promise<unknown>): Promise<ProviderError> {
      const error = await act().catch((thrown: unknown) => thrown);
      if (error instanceof ProviderError) return error;
      throw new Error(`Not a ProviderError: ${String(error)}`);
    }

    it("answers a batch: every request under its own id, with its answer and usage", async () => {
      await start();
      const batch = await created();
      const ending = await ended(batch);
      expect(ending).toMatchObject({ outcome: "completed", reason: null });
      const results = await resultsOf(batch, ending);
      expect(idsOf(results)).toEqual(["rabcdefg-1-0", "rabcdefg-1-1", "rabcdefg-1-2"]);
      for (const result of results) {
        const ordinal = result.customId?.at(-1) ?? "";
        expect(result).toMatchObject({ status: "succeeded", text: `text ${ordinal}` });
        expect(result.usage?.inputTokens).toBeGreaterThan(0);
      }
      expect(await resultsOf(batch, ending)).toEqual(results);
    });

    it("tells how far a batch is, and that it has not ended yet", async () => {
      await start({ faults: { stuckValidating: 1 } });
      const batch = await created();
      expect((await provider.poll(batch, NEVER)).phase).toBe(traits.firstPhase);
      // Only what is held already can be let go.
      while (emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      expect((await ended(batch)).outcome).toBe("completed");
    });

    it("gives failed requests beside answered ones, from whatever file they are in", async () => {
      await start({ faults: { failRows: { customIds: ["rabcdefg-1-1"], status: 400 } } });
      const batch = await created();
      const results = await resultsOf(batch, await ended(batch));
      expect(idsOf(results)).toEqual(["rabcdefg-1-0", "rabcdefg-1-1", "rabcdefg-1-2"]);
      expect(results.filter(({ status }) => status === "failed")).toMatchObject([
        { customId: "rabcdefg-1-1", failure: { code: "invalid_input" } },
      ]);
    });

    it("gives what there is of a batch that expired, was cancelled or has no output", async () => {
      await start({ faults: { expireAfterRows: 0.5 } });
      const expired = await created(10);
      const ending = await ended(expired);
      expect(ending.outcome).toBe("expired");
      const results = await resultsOf(expired, ending);
      const answered = results.filter(({ status }) => status === "succeeded");
      expect(answered.length > 0).toBe(traits.keepsPartial);
      expect(answered.length).toBeLessThan(10);
      emulator.setFaults({ stuck: 1 });
      const cancelled = await created();
      await provider.cancel(cancelled, NEVER);
      const stop = await ended(cancelled);
      expect(stop.outcome).toBe("cancelled");
      const left = await resultsOf(cancelled, stop);
      expect(left.every(({ status }) => status === "failed")).toBe(true);
      emulator.setFaults({ emptyOutput: 1 });
      const empty = await created();
      expect(await resultsOf(empty, await ended(empty))).toEqual([]);
    });

    if (traits.failsWhole)
      it("says why a batch failed, and whether sending it again may help", async () => {
        await start();
        for (const [code, again] of traits.failureCodes) {
          emulator.setFaults({ failValidation: { code, message: "Because." } });
          const batch = await created();
          const ending = await ended(batch);
          expect(ending).toMatchObject({ outcome: "failed", reason: { code, again } });
          expect(ending.reason?.message).toContain("Because.");
          expect(await resultsOf(batch, ending)).toEqual([]);
        }
      });

    it.each(["destroy", "shortLength"] as const)(
      "notices a download that was cut off (%s), and gets it whole the next time",
      async (how) => {
        await start();
        const batch = await created(50);
        const ending = await ended(batch);
        emulator.setFaults({ cutDownload: { count: 1, how } });
        const error = await failure(() => resultsOf(batch, ending));
        expect(error.retryable).toBe(true);
        expect(await resultsOf(batch, ending)).toHaveLength(50);
      },
    );

    it("notices a download that announces more than it sends", async () => {
      await start();
      const batch = await created(50);
      const ending = await ended(batch);
      emulator.setFaults({ wrongContentLength: { count: 1 } });
      expect((await failure(() => resultsOf(batch, ending))).retryable).toBe(true);
      expect(await resultsOf(batch, ending)).toHaveLength(50);
    });

    it("reads result files with a byte order mark, CR LF and blank lines, both of them", async () => {
      const faults = { bom: 1, crlf: 1, blankLines: 1 };
      await start({ faults: { ...faults, failRows: { customIds: ["rabcdefg-1-0"] } } });
      const batch = await created();
      const results = await resultsOf(batch, await ended(batch));
      expect(idsOf(results)).toEqual(["rabcdefg-1-0", "rabcdefg-1-1", "rabcdefg-1-2"]);
    });

    describe("when a create call is cut off", () => {
      it.each(["createAcceptedThenCut", "createAcceptedThen500"] as const)(
        "makes it once, leaves the question open and finds the batch by its tag (%s)",
        async (fault) => {
          await start({ faults: { [fault]: { count: 1 } } });
          const submission = await staged();
          const error = await failure(() => provider.create(submission, NEVER));
          expect(error.httpStatus ?? 500).toBeGreaterThanOrEqual(500);
          expect(emulator.stats().batchesCreated).toBe(1);
          const sighting = await sighted(submission);
          if (sighting.found !== "batch") throw new Error("The batch was not found.");
          expect((await ended({ ...submission, batchId: sighting.batchId })).outcome).toBe(
            "completed",
          );
        },
      );

      it("finds nothing where none was made, nor another intent's batch", async () => {
        await start();
        await created(1, { ...TAG, intent: "00000000-0000-4000-8000-000000000000" });
        const submission = await staged();
        expect(await sighted(submission)).toEqual({ found: "nothing" });
      });

      it("does not find a batch the list does not show yet; that is what settling is for", async () => {
        await start({ faults: { listLagMs: 60_000 } });
        const batch = await created();
        expect((await provider.find(batch, NEVER)).found).not.toBe("batch");
        expect(provider.settleMs).toBeGreaterThan(0);
      });

      it("finds it on a later page of a long list", async () => {
        await start();
        const first = await created(1);
        for (let more = 0; more < 101; more++)
          await created(1, { ...TAG, chunk: more + 2, intent: `intent-${String(more)}` });
        expect(await sighted(first)).toEqual({
          found: "batch",
          batchId: first.batchId,
        });
      });

      if (traits.uploads)
        it("revokes the upload, so that a late create call makes no batch that runs", async () => {
          await start();
          const submission = await staged();
          await provider.revoke(submission, NEVER);
          await provider.revoke(submission, NEVER);
          const late = await provider.create(submission, NEVER).catch((error: unknown) => error);
          if (typeof late === "string")
            expect((await ended({ ...submission, batchId: late })).outcome).toBe("failed");
          else expect(late).toMatchObject({ code: "provider_refused" });
          expect(emulator.stats().rowsExecuted).toBe(0);
        });

      if (traits.uploads)
        it("revokes an upload whose name was never learnt", async () => {
          await start({ faults: { uploadAcceptedThenCut: { count: 1 } } });
          await failure(() => staged());
          expect(emulator.stats().uploads).toBe(1);
          const file = {
            name: "x",
            path: join(folder, "requests.jsonl"),
            bytes: 1,
            requestCount: 3,
          };
          await provider.revoke({ tag: TAG, file, staged: {}, sentAtMs: Date.now() }, NEVER);
          expect(emulator.stats().fileDeletions).toBe(1);
        });
    });

    if (traits.tagged)
      it("lists the batches that carry a tag, the newest first, with whether they are open", async () => {
        await start();
        const first = await created(1);
        await ended(first);
        emulator.setFaults({ stuck: 1 });
        const second = await created(1, { run: "rzzzzzzz", chunk: 7, intent: "intent-2" });
        const seen = await Array.fromAsync(provider.tagged(NEVER));
        expect(seen.map(({ batchId }) => batchId).toSorted()).toEqual(
          [first.batchId, second.batchId].toSorted(),
        );
        expect(seen.find(({ batchId }) => batchId === second.batchId)).toMatchObject({
          tag: { run: "rzzzzzzz", chunk: 7, intent: "intent-2" },
          isOpen: true,
        });
        expect(seen.find(({ batchId }) => batchId === first.batchId)).toMatchObject({
          tag: TAG,
          isOpen: false,
        });
      });

    it("deletes the remote files of a collected batch, as often as asked", async () => {
      await start({ faults: { failRows: { customIds: ["rabcdefg-1-0"] } } });
      const batch = await created();
      const ending = await ended(batch);
      await provider.discard(batch, ending, NEVER);
      await provider.discard(batch, ending, NEVER);
      expect(emulator.stats().fileDeletions).toBe(traits.files);
      const gone = await failure(() => resultsOf(batch, ending));
      expect(gone).toMatchObject({ retryable: false, httpStatus: 404 });
    });

    it("says a key is wrong, and never which one it was", async () => {
      await start({ apiKeys: ["another-key"] });
      const error = await failure(() => created());
      expect(error).toMatchObject({ code: "provider_auth", retryable: false });
      expect(`${error.message} ${String(error.stack)}`).not.toContain(KEY);
    });

    it("asks once for what is paid, and again for what is only read", async () => {
      await start();
      const submission = await staged();
      emulator.setFaults({ error500: 1 });
      expect(await failure(() => provider.create(submission, NEVER))).toMatchObject({
        code: "provider_failed",
        httpStatus: 500,
      });
      expect(emulator.stats().calls[traits.createRoute]).toBe(1);
      emulator.setFaults({});
      const batch = { ...submission, batchId: await provider.create(submission, NEVER) };
      emulator.setFaults({ error500: { count: 1 } });
      expect(await provider.poll(batch, NEVER)).toHaveProperty("phase");
    });

    it("passes on how long it was asked to wait", async () => {
      await start({ faults: { error429: { retryAfterSeconds: 7 } } });
      expect(await failure(() => created())).toMatchObject({
        code: "provider_busy",
        retryable: true,
        retryAfterMs: 7000,
      });
    });

    it("tells a service that is gone from one that refuses", async () => {
      await start();
      const batch = await created();
      await emulator.close();
      expect(await failure(() => provider.poll(batch, NEVER))).toMatchObject({
        code: "provider_unreachable",
        retryable: true,
      });
    });

    it("stops a call when told to, in the middle of a download too", async () => {
      await start();
      const batch = await created(50);
      const ending = await ended(batch);
      emulator.setFaults({ slowDownload: { ms: 50 } });
      const stop = new AbortController();
      const reading = (async () => {
        for await (const piece of provider.replies(batch, ending, stop.signal))
          if (piece.byteLength > 0) stop.abort();
      })();
      const error = await reading.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(ProviderError);
      const late = await provider.poll(batch, stop.signal).catch((thrown: unknown) => thrown);
      expect(late).not.toBeInstanceOf(ProviderError);
    });
  });
}
