import { toFile } from "openai";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/clock.ts";
import { table } from "../../src/emulator/answerers.ts";
import { chatLine, chatLines, create, ended, linesIn, run, stage, until, upload } from "./drive.ts";

const START_MS = 1_800_000_000_000;
const START_S = START_MS / 1000;

const bad = (id: string) => chatLine(id, "x", { messages: [] });

describe("a batch that completes", () => {
  it("shows every field at every step", async () => {
    const clock = manualClock(START_MS);
    const steps = { validatingMs: 1000, runMs: 10_000, finalizingMs: 2000 };
    const { client } = await stage({ clock, ...steps });
    const file = await upload(client, chatLines(2));
    const metadata = { run_id: "r1", chunk: "0003" };
    const created = await client.batches.create({
      input_file_id: file,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      metadata,
    });
    const expected = {
      id: expect.stringMatching(/^batch_[0-9a-f]{32}$/) as string,
      object: "batch",
      endpoint: "/v1/chat/completions",
      model: null as string | null,
      errors: null,
      input_file_id: file,
      completion_window: "24h",
      status: "validating",
      output_file_id: null as unknown,
      error_file_id: null,
      created_at: START_S,
      in_progress_at: null as number | null,
      expires_at: START_S + 86_400,
      finalizing_at: null as number | null,
      completed_at: null as number | null,
      failed_at: null,
      expired_at: null,
      cancelling_at: null,
      cancelled_at: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
      usage: {
        input_tokens: 0,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 0,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 0,
      },
      metadata,
    };
    expect(created).toEqual(expected);
    clock.advance(1000);
    const running = await until(client, created.id, (b) => b.request_counts?.completed === 1);
    Object.assign(expected, {
      status: "in_progress",
      in_progress_at: START_S + 1,
      model: "gpt-test",
    });
    expect(running).toMatchObject({ ...expected, request_counts: { total: 2 }, usage: {} });
    clock.advance(5000);
    await until(client, created.id, (b) => b.request_counts?.completed === 2);
    clock.advance(5000);
    const finalizing = await until(client, created.id, (b) => b.status === "finalizing");
    expect(finalizing.finalizing_at).toBe(START_S + 11);
    expect(finalizing.output_file_id).toBeNull();
    clock.advance(2000);
    const completed = await ended(client, created.id);
    expect(completed).toEqual({
      ...expected,
      status: "completed",
      output_file_id: expect.stringMatching(/^file-/) as string,
      finalizing_at: START_S + 11,
      completed_at: START_S + 13,
      request_counts: { total: 2, completed: 2, failed: 0 },
      usage: {
        input_tokens: 20,
        input_tokens_details: { cached_tokens: 0 },
        output_tokens: 6,
        output_tokens_details: { reasoning_tokens: 0 },
        total_tokens: 26,
      },
    });
  });

  it("answers with whole lines, in an order of its own", async () => {
    const { client } = await stage();
    const batch = await run(client, chatLines(20));
    const lines = await linesIn(client, batch.output_file_id);
    const ids = lines.map((line) => line.custom_id);
    const sent = chatLines(20).map((line) => line["custom_id"]);
    expect(ids).not.toEqual(sent);
    expect(ids.toSorted()).toEqual(sent.toSorted());
    expect(lines.find((line) => line.custom_id === "r3")).toEqual({
      id: expect.stringMatching(/^batch_req_[0-9a-f]{32}$/) as string,
      custom_id: "r3",
      response: {
        status_code: 200,
        request_id: expect.stringMatching(/^[0-9a-f]{32}$/) as string,
        body: {
          id: expect.stringMatching(/^chatcmpl-/) as string,
          object: "chat.completion",
          created: expect.any(Number) as number,
          model: "gpt-test",
          choices: [
            {
              index: 0,
              message: { role: "assistant", content: "text of r3", refusal: null, annotations: [] },
              logprobs: null,
              finish_reason: "stop",
            },
          ],
          usage: {
            prompt_tokens: 10,
            completion_tokens: 3,
            total_tokens: 13,
            prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
            completion_tokens_details: {
              reasoning_tokens: 0,
              audio_tokens: 0,
              accepted_prediction_tokens: 0,
              rejected_prediction_tokens: 0,
            },
          },
          service_tier: "default",
          system_fingerprint: null,
        },
      },
      error: null,
    });
  });

  it("puts rows that failed in the error file, their reason nested", async () => {
    const { client } = await stage();
    const batch = await run(client, [chatLine("a"), bad("b")]);
    expect(batch.status).toBe("completed");
    expect(batch.request_counts).toEqual({ total: 2, completed: 1, failed: 1 });
    const output = await linesIn(client, batch.output_file_id);
    expect(output.map((line) => line.custom_id)).toEqual(["a"]);
    const [line] = await linesIn(client, batch.error_file_id);
    expect(line).toMatchObject({
      custom_id: "b",
      error: null,
      response: {
        status_code: 400,
        body: { error: { type: "invalid_request_error", param: "messages", code: "empty_array" } },
      },
    });
  });

  it("has no output file when every row failed", async () => {
    const { client } = await stage();
    const batch = await run(client, [bad("a"), bad("b")]);
    expect(batch.status).toBe("completed");
    expect(batch.output_file_id).toBeNull();
    expect(await linesIn(client, batch.error_file_id)).toHaveLength(2);
    expect(batch.request_counts).toEqual({ total: 2, completed: 0, failed: 2 });
  });

  it("carries an answerer's own HTTP errors and exceptions into the error file", async () => {
    const answer = table((text) => {
      if (text === "throw") throw new Error("out of ideas");
      const body = { error: { message: "slow down", code: "rate_limit_exceeded" } };
      return { error: { status: 429, body } };
    });
    const { client, emulator } = await stage({ answer });
    const batch = await run(client, [chatLine("a", "throw"), chatLine("b", "limit")]);
    const lines = await linesIn(client, batch.error_file_id);
    const statuses = new Map(lines.map((line) => [line.custom_id, line.response?.status_code]));
    expect(statuses).toEqual(
      new Map([
        ["a", 500],
        ["b", 429],
      ]),
    );
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 0, rowsFailed: 2 });
  });

  it("keeps its files for as long as was asked", async () => {
    const clock = manualClock(START_MS);
    const { client } = await stage({ clock, validatingMs: 0, runMs: 0, finalizingMs: 0 });
    const { id } = await client.batches.create({
      input_file_id: await upload(client, chatLines(1)),
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      output_expires_after: { anchor: "created_at", seconds: 7200 },
    });
    const batch = await ended(client, id);
    const file = await client.files.retrieve(batch.output_file_id ?? "");
    expect(file).toMatchObject({
      purpose: "batch_output",
      filename: `${id}_output.jsonl`,
      expires_at: START_S + 7200,
    });
  });
});

describe("a batch whose window is over", () => {
  it("delivers what was done, and the rest as batch_expired", async () => {
    const clock = manualClock(START_MS);
    const options = { clock, validatingMs: 0, runMs: 40_000, limits: { windowMs: 15_000 } };
    const { client, emulator } = await stage(options);
    const { id } = await create(client, chatLines(4));
    await until(client, id, (batch) => batch.request_counts?.completed === 1);
    clock.advance(10_000);
    await until(client, id, (batch) => batch.request_counts?.completed === 2);
    clock.advance(5000);
    const batch = await ended(client, id);
    expect(batch).toMatchObject({
      status: "expired",
      expires_at: START_S + 15,
      expired_at: START_S + 15,
      completed_at: null,
      request_counts: { total: 4, completed: 2, failed: 2 },
    });
    const done = await linesIn(client, batch.output_file_id);
    const rest = await linesIn(client, batch.error_file_id);
    expect([...done, ...rest].map((line) => line.custom_id).toSorted()).toEqual([
      "r0",
      "r1",
      "r2",
      "r3",
    ]);
    expect(rest.map((line) => [line.response, line.error?.code])).toEqual([
      [null, "batch_expired"],
      [null, "batch_expired"],
    ]);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("has no output file when nothing was done", async () => {
    const { client } = await stage({ faults: { expireAfterRows: 0 } });
    const batch = await run(client, chatLines(3));
    expect(batch).toMatchObject({ status: "expired", output_file_id: null });
    expect(await linesIn(client, batch.error_file_id)).toHaveLength(3);
  });
});

describe("a batch that is cancelled", () => {
  const slow = { validatingMs: 0, runMs: 40_000, cancellingMs: 5000 };

  async function cancelled(cancelKeeps?: boolean) {
    const clock = manualClock(START_MS);
    const faults = cancelKeeps === undefined ? {} : { cancelKeeps };
    const { client, emulator } = await stage({ clock, ...slow, faults });
    const { id } = await create(client, chatLines(4));
    await until(client, id, (batch) => batch.request_counts?.completed === 1);
    const cancelling = await client.batches.cancel(id);
    expect(cancelling).toMatchObject({ status: "cancelling", cancelling_at: START_S });
    expect(await client.batches.cancel(id)).toMatchObject({ status: "cancelling" });
    clock.advance(2000);
    expect(await client.batches.retrieve(id)).toMatchObject({ status: "cancelling" });
    clock.advance(3000);
    const batch = await ended(client, id);
    expect(batch).toMatchObject({ status: "cancelled", cancelled_at: START_S + 5 });
    expect(emulator.stats().rowsExecuted).toBe(1);
    const output = await linesIn(client, batch.output_file_id);
    const errors = await linesIn(client, batch.error_file_id);
    expect(errors.every((line) => line.error?.code === "batch_cancelled")).toBe(true);
    return { batch, output, errors };
  }

  it("delivers the rows it had finished", async () => {
    const { batch, output, errors } = await cancelled();
    expect([output.length, errors.length]).toEqual([1, 3]);
    expect(batch.request_counts).toEqual({ total: 4, completed: 1, failed: 3 });
  });

  it("loses them, billed as they are, when told to", async () => {
    const { batch, output, errors } = await cancelled(false);
    expect(batch.output_file_id).toBeNull();
    expect([output.length, errors.length]).toEqual([0, 4]);
    expect(batch.request_counts).toEqual({ total: 4, completed: 0, failed: 4 });
  });

  it("has no files when it was still being validated", async () => {
    const { client } = await stage({ validatingMs: 60_000, cancellingMs: 0 });
    const { id } = await create(client, chatLines(2));
    await client.batches.cancel(id);
    expect(await ended(client, id)).toMatchObject({
      status: "cancelled",
      output_file_id: null,
      error_file_id: null,
      in_progress_at: null,
      request_counts: { total: 0, completed: 0, failed: 0 },
    });
  });

  it("has everything when it was being finalized", async () => {
    const { client } = await stage({ finalizingMs: 60_000 });
    const { id } = await create(client, chatLines(2));
    await until(client, id, (batch) => batch.status === "finalizing");
    await client.batches.cancel(id);
    const batch = await ended(client, id);
    expect(batch).toMatchObject({ status: "cancelled", error_file_id: null });
    expect(await linesIn(client, batch.output_file_id)).toHaveLength(2);
  });

  it("cannot be cancelled once it has ended", async () => {
    const { client } = await stage();
    const { id } = await run(client, chatLines(1));
    await expect(client.batches.cancel(id)).rejects.toMatchObject({
      status: 400,
      message: "400 Cannot cancel a batch with status 'completed'.",
    });
  });
});

describe("faults of batches", () => {
  it("fails validation with the code asked for, as often as asked", async () => {
    const failValidation = { count: 1, code: "token_limit_exceeded", message: "later" };
    const { client } = await stage({ faults: { failValidation } });
    const batch = await run(client, chatLines(1));
    expect(batch.errors?.data).toEqual([
      { code: "token_limit_exceeded", message: "later", param: null, line: null },
    ]);
    expect((await run(client, chatLines(1))).status).toBe("completed");
  });

  it.each(["stuck", "stuckValidating"] as const)(
    "holds a batch by %s until released",
    async (fault) => {
      const clock = manualClock();
      const times = { validatingMs: 0, runMs: 0, finalizingMs: 0 };
      const { client, emulator } = await stage({ clock, ...times, faults: { [fault]: 1 } });
      const status = fault === "stuck" ? "in_progress" : "validating";
      const { id } = await create(client, chatLines(2));
      await until(client, id, (batch) => batch.status === status);
      clock.advance(10 * 60 * 60 * 1000);
      const held = await client.batches.retrieve(id);
      expect([held.status, held.request_counts?.completed]).toEqual([status, 0]);
      while (emulator.release(id) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
      expect((await ended(client, id)).status).toBe("completed");
    },
  );

  it.each(["stuck", "stuckValidating"] as const)(
    "lets a batch held by %s expire",
    async (fault) => {
      const clock = manualClock();
      const { client } = await stage({ clock, validatingMs: 0, faults: { [fault]: 1 } });
      const { id } = await create(client, chatLines(2));
      clock.advance(24 * 60 * 60 * 1000);
      const batch = await ended(client, id);
      expect(batch.status).toBe("expired");
      expect(await linesIn(client, batch.error_file_id)).toHaveLength(2);
    },
  );

  it("cancels a batch that is stuck", async () => {
    const { client } = await stage({ faults: { stuck: 1 } });
    const { id } = await create(client, chatLines(2));
    await until(client, id, (batch) => batch.status === "in_progress");
    await client.batches.cancel(id);
    expect((await ended(client, id)).status).toBe("cancelled");
  });

  it("expires a batch after a share of its rows", async () => {
    const { client } = await stage({ faults: { expireAfterRows: 0.5 } });
    const batch = await run(client, chatLines(10));
    expect(batch.status).toBe("expired");
    expect(batch.request_counts).toEqual({ total: 10, completed: 5, failed: 5 });
    expect(await linesIn(client, batch.output_file_id)).toHaveLength(5);
  });

  it("completes without an output file, or with an empty one", async () => {
    const { client } = await stage({ faults: { emptyOutput: 1 } });
    const none = await run(client, chatLines(2));
    expect(none).toMatchObject({ status: "completed", output_file_id: null, error_file_id: null });
    const { client: other } = await stage({ faults: { emptyOutput: { how: "emptyFile" } } });
    const empty = await run(other, chatLines(2));
    expect((await other.files.retrieve(empty.output_file_id ?? "")).bytes).toBe(0);
    expect(await (await other.files.content(empty.output_file_id ?? "")).text()).toBe("");
  });

  it("says an empty string where a file id should be null", async () => {
    const { client } = await stage({ faults: { outputIdEmptyString: 1 } });
    expect((await run(client, chatLines(1))).error_file_id).toBe("");
    expect((await run(client, [bad("a")])).output_file_id).toBe("");
  });

  it("shows a new batch in the list only after a while", async () => {
    const clock = manualClock();
    const { client } = await stage({ clock, faults: { listLagMs: 5000 } });
    const { id } = await create(client, chatLines(1));
    expect((await client.batches.list()).data).toEqual([]);
    expect((await client.batches.retrieve(id)).id).toBe(id);
    clock.advance(5000);
    expect((await client.batches.list()).data.map((batch) => batch.id)).toEqual([id]);
  });

  it("reports times and models as a service does whose clock and names differ", async () => {
    const clock = manualClock(START_MS);
    const faults = { clockSkewMs: -60_000, modelSnapshot: "-2025-08-07" };
    const times = { validatingMs: 0, runMs: 0, finalizingMs: 0 };
    const { client } = await stage({ clock, faults, ...times });
    const batch = await run(client, chatLines(1));
    expect(batch).toMatchObject({ created_at: START_S - 60, model: "gpt-test-2025-08-07" });
    const [line] = await linesIn(client, batch.output_file_id);
    expect(line?.response?.body.model).toBe("gpt-test-2025-08-07");
  });

  it("survives a file deleted while it runs", async () => {
    const { client } = await stage({ faults: { stuck: 1 } });
    const file = await toFile(Buffer.from(JSON.stringify(chatLine("a"))), "a.jsonl");
    const { id: input } = await client.files.create({ purpose: "batch", file });
    const { id } = await client.batches.create({
      input_file_id: input,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    await until(client, id, (batch) => batch.status === "in_progress");
    await client.files.delete(input);
    await client.batches.cancel(id);
    expect((await ended(client, id)).status).toBe("cancelled");
  });
});
