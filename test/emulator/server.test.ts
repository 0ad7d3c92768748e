import { describe, expect, it } from "vitest";
import { APIConnectionError } from "openai";
import { manualClock } from "../../src/emulator/clock.ts";
import { chatLines, create, stage, upload } from "./drive.ts";

describe("faults of calls", () => {
  it("answers 429 with or without the headers that say when to come back", async () => {
    const { client, emulator } = await stage({ faults: { error429: 1 } });
    const bare: unknown = await client.models.list().catch((error: unknown) => error);
    expect(bare).toMatchObject({ status: 429, code: "rate_limit_exceeded" });
    expect((bare as { headers: Headers }).headers.get("retry-after")).toBeNull();
    emulator.setFaults({ error429: { retryAfterSeconds: 3, retryAfterMs: 250 } });
    const told: unknown = await client.models.list().catch((error: unknown) => error);
    const { headers } = told as { headers: Headers };
    expect([headers.get("retry-after"), headers.get("retry-after-ms")]).toEqual(["3", "250"]);
  });

  it("answers 500 on the routes it is told to, as often as it is told to", async () => {
    const error500 = { count: 1, routes: ["GET /batches"], shouldRetry: false };
    const { client, emulator } = await stage({ faults: { error500 } });
    await client.models.list();
    const error: unknown = await client.batches.list().catch((caught: unknown) => caught);
    expect(error).toMatchObject({ status: 500, type: "server_error" });
    expect((error as { headers: Headers }).headers.get("x-should-retry")).toBe("false");
    await client.batches.list();
    expect(emulator.stats().calls).toMatchObject({ "GET /batches": 2, "GET /models": 1 });
  });

  it("cuts the connection before anything is done", async () => {
    const { client, emulator } = await stage({ faults: { dropConnection: { count: 1 } } });
    await expect(upload(client, "x")).rejects.toBeInstanceOf(APIConnectionError);
    expect(emulator.stats().uploads).toBe(0);
    expect((await client.files.list()).data).toEqual([]);
  });

  it("creates a batch and cuts the connection", async () => {
    const { client, emulator } = await stage({ faults: { createAcceptedThenCut: { count: 1 } } });
    await expect(create(client, chatLines(1))).rejects.toBeInstanceOf(APIConnectionError);
    expect((await client.batches.list()).data).toHaveLength(1);
    expect(emulator.stats().batchesCreated).toBe(1);
  });

  it("creates a batch and answers 500", async () => {
    const { client } = await stage({ faults: { createAcceptedThen500: { count: 1 } } });
    await expect(create(client, chatLines(1))).rejects.toMatchObject({ status: 500 });
    expect((await client.batches.list()).data).toHaveLength(1);
  });

  it("stores an upload and cuts the connection", async () => {
    const { client } = await stage({ faults: { uploadAcceptedThenCut: { count: 1 } } });
    await expect(upload(client, "x")).rejects.toBeInstanceOf(APIConnectionError);
    expect((await client.files.list()).data).toHaveLength(1);
  });

  it("does anything and cuts the connection", async () => {
    const { client, emulator } = await stage();
    const id = await upload(client, "x");
    emulator.setFaults({ dropReply: { routes: ["DELETE /files/{id}"] } });
    await expect(client.files.delete(id)).rejects.toBeInstanceOf(APIConnectionError);
    expect(emulator.stats().fileDeletions).toBe(1);
  });

  it("does not create what it refuses, whatever comes after", async () => {
    const { client, emulator } = await stage({ faults: { createAcceptedThenCut: 1 } });
    const endpoint = "/v1/dreams" as "/v1/embeddings";
    await expect(
      client.batches.create({ input_file_id: "f", endpoint, completion_window: "24h" }),
    ).rejects.toMatchObject({ status: 400 });
    expect(emulator.stats().batchesCreated).toBe(0);
  });

  it("holds a call back", async () => {
    const clock = manualClock();
    const { client } = await stage({ clock, faults: { delayMs: 1000 } });
    let answered = false;
    const call = client.models.list().then(() => {
      answered = true;
    });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(answered).toBe(false);
    const advancing = setInterval(() => {
      clock.advance(1000);
    }, 5);
    await call.finally(() => {
      clearInterval(advancing);
    });
    expect(answered).toBe(true);
  });

  it("draws the same luck for the same calls and seed", async () => {
    const outcomes = async (seed: number): Promise<readonly number[]> => {
      const { client } = await stage({ seed, faults: { error500: 0.5 } });
      const statuses: number[] = [];
      for (let index = 0; index < 16; index += 1) {
        const call = client.models.list().then(
          () => 200,
          () => 500,
        );
        statuses.push(await call);
      }
      return statuses;
    };
    const first = await outcomes(1);
    expect(new Set(first)).toEqual(new Set([200, 500]));
    expect(await outcomes(1)).toEqual(first);
    expect(await outcomes(2)).not.toEqual(first);
  });
});

describe("routes", () => {
  it("answers with or without /v1, and 404 in OpenAI's shape for the rest", async () => {
    const { emulator } = await stage();
    const headers = { authorization: "Bearer k" };
    const origin = emulator.url.replace(/\/v1$/, "");
    for (const path of ["/v1/batches", "/batches", "/v1/batches/"]) {
      expect((await fetch(origin + path, { headers })).status).toBe(200);
    }
    for (const path of ["/v1/nothing", "/", "/v1/files/%E0%A4%A"]) {
      const response = await fetch(origin + path, { headers });
      expect([400, 404]).toContain(response.status);
      expect(await response.json()).toMatchObject({ error: { type: "invalid_request_error" } });
    }
    expect((await fetch(`${origin}/v1/batches`, { headers, method: "PATCH" })).status).toBe(404);
  });

  it("puts a request id on every reply", async () => {
    const { client, emulator } = await stage();
    const { request_id, response } = await client.models.list().withResponse();
    expect(request_id).toMatch(/^req_[0-9a-f]{32}$/);
    expect(emulator.requests().at(-1)).toEqual({
      sequence: 1,
      atMs: expect.any(Number) as number,
      method: "GET",
      path: "/v1/models",
      status: 200,
      requestId: response.headers.get("x-request-id"),
    });
  });
});
