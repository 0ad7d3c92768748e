import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/emulator.ts";
import { call, ended, paramsOf, requestsOf, resultsOf, stage } from "./anthropic-drive.ts";

const BATCHES = "/v1/messages/batches";
const DAY_MS = 24 * 60 * 60 * 1000;

describe("a message batch, by the official client", () => {
  it("counts every request as processing until all counts are set at its end", async () => {
    const clock = manualClock();
    const { emulator, client } = await stage({
      clock,
      finalizingMs: 60_000,
      faults: { failRows: { customIds: ["r1"], status: 400 } },
    });
    const batch = await client.messages.batches.create({ requests: requestsOf(5) });
    expect(batch).toMatchObject({
      type: "message_batch",
      processing_status: "in_progress",
      request_counts: { processing: 5, succeeded: 0, errored: 0, canceled: 0, expired: 0 },
      ended_at: null,
      results_url: null,
    });
    expect(batch.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}\+00:00$/);
    while (emulator.stats().rowsExecuted < 4) {
      clock.advance(10);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    expect(await client.messages.batches.retrieve(batch.id)).toMatchObject({
      processing_status: "in_progress",
      request_counts: { processing: 5, succeeded: 0, errored: 0 },
    });
    while (emulator.stats().batches["ended"] !== 1) {
      clock.advance(60_000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const done = await client.messages.batches.retrieve(batch.id);
    expect(done.request_counts).toEqual({
      ...{ processing: 0, succeeded: 4, errored: 1, canceled: 0, expired: 0 },
    });
    expect(done.ended_at).not.toBeNull();
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, rowsExecuted: 4, rowsFailed: 1 });
  });

  it("delivers every row once, in another order than it came, with answer and usage", async () => {
    const { client } = await stage();
    const { id } = await client.messages.batches.create({ requests: requestsOf(20) });
    const done = await ended(client, id);
    expect(done.results_url).toMatch(new RegExp(`/anthropic/v1/messages/batches/${id}/results$`));
    const results = await resultsOf(client, id);
    const ids = results.map((row) => row.custom_id);
    expect(ids).not.toEqual(requestsOf(20).map((row) => row.custom_id));
    expect(ids.toSorted()).toEqual(
      requestsOf(20)
        .map((row) => row.custom_id)
        .toSorted(),
    );
    for (const { custom_id: customId, result } of results)
      expect(result).toMatchObject({
        type: "succeeded",
        message: {
          role: "assistant",
          content: [{ type: "text", text: `text of ${customId}` }],
          stop_reason: "end_turn",
          usage: { cache_read_input_tokens: 0, service_tier: "batch" },
        },
      });
  });

  it("keeps failed, expired and executed rows in one stream", async () => {
    const { client } = await stage({
      faults: {
        failRows: { customIds: ["r0"], status: 529 },
        expireRows: { customIds: ["r1"] },
        refuseRows: { customIds: ["r2"] },
        truncateRows: { customIds: ["r3"] },
      },
    });
    const requests = requestsOf(5);
    const { id } = await client.messages.batches.create({
      requests: [...requests, { custom_id: "bad", params: { ...paramsOf("x"), max_tokens: 0 } }],
    });
    expect((await ended(client, id)).request_counts).toMatchObject({
      ...{ succeeded: 3, errored: 2, expired: 1 },
    });
    const byId = Object.fromEntries(
      (await resultsOf(client, id)).map((row) => [row.custom_id, row.result]),
    );
    expect(byId).toMatchObject({
      r0: { type: "errored", error: { type: "error", error: { type: "overloaded_error" } } },
      r1: { type: "expired" },
      r2: { type: "succeeded", message: { stop_reason: "refusal" } },
      r3: { type: "succeeded", message: { stop_reason: "max_tokens" } },
      r4: { type: "succeeded", message: { stop_reason: "end_turn" } },
      bad: { type: "errored", error: { error: { type: "invalid_request_error" } } },
    });
  });

  it("goes through canceling, and rows that were not executed end as canceled, unbilled", async () => {
    const { emulator, client } = await stage({ faults: { stuck: 1 }, cancellingMs: 20 });
    const { id } = await client.messages.batches.create({ requests: requestsOf(3) });
    const canceling = await client.messages.batches.cancel(id);
    expect(canceling.processing_status).toBe("canceling");
    expect(canceling.cancel_initiated_at).not.toBeNull();
    expect((await ended(client, id)).request_counts.canceled).toBe(3);
    const results = await resultsOf(client, id);
    expect(results.map(({ result }) => result.type)).toEqual(["canceled", "canceled", "canceled"]);
    expect(emulator.stats().rowsExecuted).toBe(0);
    await expect(client.messages.batches.cancel(id)).rejects.toMatchObject({ status: 400 });
  });

  it("expires what is left when its window is over, and keeps what was done", async () => {
    const { client } = await stage({ faults: { expireAfterRows: 0.5 } });
    const { id } = await client.messages.batches.create({ requests: requestsOf(10) });
    const { request_counts: counts } = await ended(client, id);
    expect(counts).toMatchObject({ succeeded: 5, expired: 5 });
  });

  it("has no results before its end, and none again 29 days after its creation", async () => {
    const clock = manualClock();
    const { emulator, client } = await stage({ clock, faults: { stuck: 1 } });
    const { id } = await client.messages.batches.create({ requests: requestsOf(2) });
    expect(await call(emulator, `${BATCHES}/${id}/results`)).toMatchObject({
      status: 404,
      body: { error: { message: `Batch ${id} has no available results.` } },
    });
    const wait = async (): Promise<void> => {
      for (;;) {
        clock.advance(1000);
        emulator.release();
        if ((await client.messages.batches.retrieve(id)).processing_status === "ended") return;
      }
    };
    await wait();
    expect(await resultsOf(client, id)).toHaveLength(2);
    clock.advance(29 * DAY_MS);
    expect((await client.messages.batches.retrieve(id)).archived_at).not.toBeNull();
    expect((await call(emulator, `${BATCHES}/${id}/results`)).status).toBe(404);
    expect((await client.messages.batches.list()).data).toHaveLength(1);
  });

  it("is deleted only once it has ended", async () => {
    const { emulator, client } = await stage({ faults: { stuck: 1 } });
    const { id } = await client.messages.batches.create({ requests: requestsOf(2) });
    await expect(client.messages.batches.delete(id)).rejects.toMatchObject({ status: 400 });
    while (emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await ended(client, id);
    expect(await client.messages.batches.delete(id)).toEqual({ id, type: "message_batch_deleted" });
    await expect(client.messages.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
  });

  it("asks pollers to come back in ten seconds, or in as many as the settings say", async () => {
    for (const [options, expected] of [
      [{}, "10"],
      [{ pollRetryAfterSeconds: 0 }, "0"],
    ] as const) {
      const { emulator, client } = await stage(options);
      const { id } = await client.messages.batches.create({ requests: requestsOf(1) });
      const { headers } = await call(emulator, `${BATCHES}/${id}`);
      expect(headers.get("retry-after")).toBe(expected);
      expect(headers.get("anthropic-ratelimit-requests-limit")).toBe("1000");
    }
  });

  it("takes the faults of creating, looking and listing", async () => {
    const { emulator, client } = await stage({ faults: { createAcceptedThen500: { count: 1 } } });
    const requests = requestsOf(1);
    await expect(client.messages.batches.create({ requests })).rejects.toMatchObject({
      status: 500,
    });
    emulator.setFaults({ createAcceptedThenCut: { count: 1 } });
    await expect(client.messages.batches.create({ requests })).rejects.toThrow(/connection/i);
    const [second, first] = (await client.messages.batches.list()).data;
    expect(emulator.stats().batchesCreated).toBe(2);
    emulator.setFaults({ notFoundFlicker: { count: 1 } });
    const id = first?.id ?? "";
    await expect(client.messages.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    expect((await client.messages.batches.retrieve(id)).id).toBe(id);
    emulator.setFaults({ listLagMs: 60_000 });
    expect((await client.messages.batches.list()).data).toEqual([]);
    expect(second?.id).not.toBe(id);
  });
});

describe("what is refused when a batch is created", () => {
  const row = { custom_id: "a", params: paramsOf("x") };

  it.each([
    ["nothing", {}, "requests: Field required"],
    ["no list", { requests: "a" }, "valid list"],
    ["an empty list", { requests: [] }, "at least 1 item"],
    ["no id", { requests: [{ params: {} }] }, "requests.0.custom_id: Field required"],
    ["an empty id", { requests: [{ ...row, custom_id: "" }] }, "at least 1 character"],
    ["a long id", { requests: [{ ...row, custom_id: "a".repeat(65) }] }, "at most 64 characters"],
    ["a strange id", { requests: [{ ...row, custom_id: "a.b" }] }, "should match pattern"],
    ["no params", { requests: [{ custom_id: "a" }] }, "requests.0.params: Field required"],
    ["an id twice", { requests: [row, row] }, "Duplicate custom_id found: a"],
    ["no JSON", "{", "not valid JSON"],
  ])("%s", async (_what, body, message) => {
    const { emulator } = await stage();
    const refused = await call(emulator, BATCHES, { body });
    expect(refused).toMatchObject({
      status: 400,
      body: { type: "error", error: { type: "invalid_request_error" } },
    });
    expect(JSON.stringify(refused.body)).toContain(message);
    expect(emulator.stats().batchesCreated).toBe(0);
  });

  it("a body that is too large, or too many requests", async () => {
    for (const limits of [{ maxBytes: 100 }, { maxRequests: 2 }]) {
      const { client } = await stage({ limits });
      await expect(
        client.messages.batches.create({ requests: requestsOf(3) }),
      ).rejects.toMatchObject({ status: 413 });
    }
  });
});

describe("the list of batches", () => {
  it("is newest first, and the client pages through it", async () => {
    const { client } = await stage();
    const made: string[] = [];
    for (let index = 0; index < 25; index++)
      made.push((await client.messages.batches.create({ requests: requestsOf(1) })).id);
    const seen = await Array.fromAsync(client.messages.batches.list());
    expect(seen.map(({ id }) => id)).toEqual(made.toReversed());
    const page = await client.messages.batches.list({ limit: 2, before_id: made[20] ?? "" });
    expect(page.data.map(({ id }) => id)).toEqual([made[22], made[21]]);
    expect(page).toMatchObject({ has_more: true, first_id: made[22], last_id: made[21] });
    await expect(client.messages.batches.list({ limit: 1001 })).rejects.toMatchObject({
      status: 400,
    });
  });
});
