import { appendFile } from "node:fs/promises";
import { describe, expect, it, vi } from "vitest";
import { ProviderError } from "../../src/core/errors.ts";
import type { Answerer } from "../../src/emulator/emulator.ts";
import { request } from "./support.ts";
import {
  batchFor,
  completion,
  ended,
  journalOf,
  KEY,
  liveAt,
  liveWith,
  NEVER,
  resultsOf,
  saidBy,
  serverOf,
} from "./live-support.ts";

const CHAT = "POST /chat/completions";
const texts = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `text ${String(at)}`);
const lastMessage = (body: object): string =>
  (body as { messages: { content: string }[] }).messages.at(-1)?.content ?? "";

async function failureOf(act: () => Promise<unknown>): Promise<ProviderError> {
  const error = await act().catch((thrown: unknown) => thrown);
  if (error instanceof ProviderError) return error;
  throw new Error(`Not a ProviderError: ${String(error)}`);
}

describe("a live provider", () => {
  it("answers every request under its own id, in the lines of a batch output file", async () => {
    const { emulator, provider } = await liveWith();
    const batch = await batchFor(provider, texts(20));
    const results = await resultsOf(provider, batch);
    expect(saidBy(results)).toEqual(texts(20));
    expect(results.every(({ usage }) => (usage?.inputTokens ?? 0) > 0)).toBe(true);
    expect(emulator.stats()).toMatchObject({ liveCalls: 20, bodiesBilledAgain: 0 });
    const line = JSON.parse((await journalOf(batch))[0] ?? "") as Record<string, unknown>;
    expect(Object.keys(line)).toEqual(["id", "custom_id", "response", "error"]);
    expect(line["response"]).toMatchObject({ status_code: 200, body: { choices: [{}] } });
  });

  it("has no more requests under way than it was told", async () => {
    let [underway, most] = [0, 0];
    const answer: Answerer = async () => {
      most = Math.max(most, (underway += 1));
      while (most < 3) await new Promise((resolve) => setTimeout(resolve, 2));
      underway -= 1;
      return { content: "yes" };
    };
    const { provider } = await liveWith({ answer }, { concurrency: 3 });
    await resultsOf(provider, await batchFor(provider, texts(30)));
    expect(most).toBe(3);
  });

  it("gives a refused request its own failure, asks it once, and answers the others", async () => {
    const { emulator, provider } = await liveWith({
      faults: { failRows: { containing: "text 1", status: 400, count: 1 } },
    });
    const results = await resultsOf(provider, await batchFor(provider, texts(4)));
    expect(saidBy(results)).toEqual(["text 0", "(invalid_input)", "text 2", "text 3"]);
    expect(emulator.stats().calls[CHAT]).toBe(4);
  });

  it.each([
    ["429 without a word", { error429: { count: 3 } }],
    ["429 with Retry-After", { error429: { count: 3, retryAfterMs: 1 } }],
    ["500", { error500: { count: 3 } }],
    ["cut connections", { dropConnection: { count: 3 } }],
  ])("asks again after %s, and pays once", async (_, faults) => {
    const { emulator, provider } = await liveWith({ faults }, { concurrency: 4 });
    expect(saidBy(await resultsOf(provider, await batchFor(provider, texts(12))))).toEqual(
      texts(12),
    );
    expect(emulator.stats().calls[CHAT]).toBe(15);
    expect(emulator.stats()).toMatchObject({ liveCalls: 12, bodiesBilledAgain: 0 });
  });

  it("asks again after 503, and after a reply that was lost on its way", async () => {
    let refusals = 2;
    const answer: Answerer = ({ body }) =>
      refusals-- > 0
        ? { error: { status: 503, body: { error: "server busy" } } }
        : { content: lastMessage(body) };
    const { emulator, provider } = await liveWith({ answer });
    expect(saidBy(await resultsOf(provider, await batchFor(provider, texts(3))))).toEqual(texts(3));
    emulator.setFaults({ dropReply: { count: 1 } });
    const again = { ...(await batchFor(provider, ["another"])), batchId: "another" };
    expect(saidBy(await resultsOf(provider, again))).toEqual(["another"]);
    // The lost reply was paid for: that cannot be known, and is bounded by the number of tries.
    expect(emulator.stats().bodiesBilledAgain).toBe(1);
  });

  it("asks again when a reply is cut in the middle or is no JSON, and reads a slow one", async () => {
    const bodies = [completion("cut"), "<html>", completion("whole")];
    const baseUrl = await serverOf((_call, response) => {
      const body = bodies.shift() ?? "";
      response.writeHead(200, { "content-length": Buffer.byteLength(body) });
      const middle = body.length / 2;
      response.write(body.slice(0, middle), () => {
        if (body.includes("cut")) response.socket?.destroy();
        else setTimeout(() => response.end(body.slice(middle)), 20);
      });
    });
    const provider = liveAt(baseUrl);
    expect(saidBy(await resultsOf(provider, await batchFor(provider, ["a"])))).toEqual(["whole"]);
    expect(bodies).toEqual([]);
  });

  it("gives up a request that never ends after two tries, and no other", async () => {
    const hanging = Promise.withResolvers<never>().promise;
    const answer: Answerer = ({ body }) =>
      lastMessage(body) === "text 1" ? hanging : { content: lastMessage(body) };
    const { emulator, provider } = await liveWith({ answer }, { requestTimeoutMs: 200 });
    const results = await resultsOf(provider, await batchFor(provider, texts(3)));
    expect(saidBy(results)).toEqual(["text 0", "(provider_error)", "text 2"]);
    expect(results[1]).toMatchObject({
      failure: { retryable: true, message: "No answer within 0.2 s." },
    });
    expect(emulator.stats().calls[CHAT]).toBe(4);
  });

  it("stops at a key that is refused, and never says which one it was", async () => {
    const { provider } = await liveWith({ apiKeys: ["another-key"] });
    const batch = await batchFor(provider, texts(3));
    const error = await failureOf(() => ended(provider, batch));
    expect(error).toMatchObject({ code: "provider_auth", retryable: false, httpStatus: 401 });
    expect(`${error.message} ${String(error.stack)}`).not.toContain(KEY);
  });

  it.each([
    [401, "thrown"],
    [400, "the row's own"],
  ])("removes its key from what a server says with %i (%s)", async (status) => {
    const baseUrl = await serverOf((call, response) => {
      response.writeHead(status);
      response.end(
        JSON.stringify({ error: { message: `Not ${String(call.headers.authorization)}` } }),
      );
    });
    const provider = liveAt(baseUrl);
    const batch = await batchFor(provider, ["a"]);
    const said = await resultsOf(provider, batch).catch((error: unknown) => String(error));
    expect(JSON.stringify(said)).toContain("Not Bearer [redacted]");
    expect((await journalOf(batch)).join("")).not.toContain(KEY);
  });

  it("stops at a model that does not exist, in the server's words", async () => {
    const { emulator, provider } = await liveWith({ models: ["other"] }, { concurrency: 2 });
    const batch = await batchFor(provider, texts(50));
    const error = await failureOf(() => ended(provider, batch));
    expect(error).toMatchObject({ code: "provider_refused", retryable: false });
    expect(error.message).toContain("The model `m` does not exist");
    expect(emulator.stats().calls[CHAT]).toBeLessThanOrEqual(2);
  });

  it("stops when the account has run out of credit, though that is a 429 too", async () => {
    const body = { error: { message: "Out of credit.", code: "insufficient_quota" } };
    const { provider } = await liveWith({ answer: () => ({ error: { status: 429, body } }) });
    const error = await failureOf(async () => ended(provider, await batchFor(provider, ["a"])));
    expect(error).toMatchObject({ code: "provider_refused", retryable: false });
    expect(error.message).toContain("Out of credit.");
  });

  it("hands a long wait to who drives the run", async () => {
    const { provider } = await liveWith({ faults: { error429: { retryAfterSeconds: 3600 } } });
    const error = await failureOf(async () => ended(provider, await batchFor(provider, ["a"])));
    expect(error).toMatchObject({
      code: "provider_busy",
      retryable: true,
      retryAfterMs: 3_600_000,
    });
  });

  it("says that nobody listens and what to do, and goes on when somebody does", async () => {
    const { emulator } = await liveWith();
    const { port } = emulator;
    await emulator.close();
    const provider = liveAt(`http://127.0.0.1:${String(port)}/v1`, {
      whenUnreachable: "Start it with: serve",
    });
    const batch = await batchFor(provider, texts(2));
    const error = await failureOf(() => ended(provider, batch));
    expect(error).toMatchObject({ code: "provider_unreachable", retryable: true });
    expect(error.message).toContain("Start it with: serve");
    await liveWith({ port });
    expect(saidBy(await resultsOf(provider, batch))).toEqual(texts(2));
  });

  it("finishes what is under way when it is cancelled, and gives the rest up", async () => {
    const begun = Promise.withResolvers<undefined>();
    const release = Promise.withResolvers<undefined>();
    const answer: Answerer = async ({ body }) => {
      begun.resolve(undefined);
      await release.promise;
      return { content: lastMessage(body) };
    };
    const { emulator, provider } = await liveWith({ answer }, { concurrency: 2 });
    const batch = await batchFor(provider, texts(10));
    await provider.poll(batch, NEVER);
    await begun.promise;
    await provider.cancel(batch, NEVER);
    release.resolve(undefined);
    expect((await ended(provider, batch)).outcome).toBe("cancelled");
    const { liveCalls } = emulator.stats();
    expect(liveCalls).toBeLessThanOrEqual(2);
    expect(await journalOf(batch)).toHaveLength(liveCalls);
  });

  it.each([{ requestsPerMinute: 1 }, { tokensPerMinute: 60 }])(
    "begins nothing more while a minute's share is used up: %j",
    async (limits) => {
      const { emulator, provider } = await liveWith({}, { concurrency: 4, ...limits });
      const batch = await batchFor(provider, texts(4));
      while ((await journalOf(batch)).length < 1) await provider.poll(batch, NEVER);
      // Time in which the next one would begin, if it might.
      await new Promise((resolve) => setTimeout(resolve, 50));
      await provider.cancel(batch, NEVER);
      expect((await ended(provider, batch)).outcome).toBe("cancelled");
      expect(emulator.stats().calls[CHAT]).toBe(1);
    },
  );

  it("begins nothing more while the server says that its limit is used up", async () => {
    let calls = 0;
    const baseUrl = await serverOf((_call, response) => {
      calls += 1;
      response.writeHead(200, {
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "1m0s",
      });
      response.end(completion("yes"));
    });
    const provider = liveAt(baseUrl, { concurrency: 1 });
    const batch = await batchFor(provider, texts(3));
    while ((await journalOf(batch)).length < 1) await provider.poll(batch, NEVER);
    // Time in which the next one would begin, if it might.
    await new Promise((resolve) => setTimeout(resolve, 50));
    await provider.cancel(batch, NEVER);
    expect((await ended(provider, batch)).outcome).toBe("cancelled");
    expect(calls).toBe(1);
  });

  it("answers lines that cannot be asked live with what is wrong with them", async () => {
    const { emulator, provider } = await liveWith();
    const batch = await batchFor(provider, ["fine"]);
    const body = { model: "m", messages: [{ role: "user", content: "x" }] };
    const odd = [
      { custom_id: "rabcdefg-1-1", method: "POST", url: "/v1/images/generations", body },
      { custom_id: "rabcdefg-1-2", url: "/v1/chat/completions", body: { ...body, stream: true } },
      { custom_id: "rabcdefg-1-3", url: "/v1/chat/completions" },
    ];
    await appendFile(batch.file.path, odd.map((line) => `${JSON.stringify(line)}\n`).join(""));
    expect(saidBy(await resultsOf(provider, batch))).toEqual([
      "fine",
      "(invalid_input)",
      "(invalid_input)",
      "(invalid_input)",
    ]);
    expect(emulator.stats().calls).toEqual({ [CHAT]: 1 });
  });
});

describe("structured output", () => {
  const labels = request("Which?", {
    form: { kind: "labels", labels: [{ name: "red" }, { name: "green" }] },
  });

  /** A server that refuses some ways to ask, in the words of real ones. */
  const refusing =
    (types: readonly string[]): Answerer =>
    ({ body }) => {
      const format = body["response_format"] as { type: string } | undefined;
      const message = `'response_format.type' must be something else`;
      return format !== undefined && types.includes(format.type)
        ? { error: { status: 400, body: { error: { message } } } }
        : { content: format === undefined ? '{"label":"green"}' : '{"label":"red"}' };
    };

  it.each([
    [["json_schema"], "red", 1],
    [["json_schema", "json_object"], "green", 2],
  ])("falls back once where a server refuses %j, and says so", async (types, label, steps) => {
    const onWarning = vi.fn();
    const { emulator, provider } = await liveWith(
      { answer: refusing(types) },
      { onWarning, concurrency: 1 },
    );
    const asked = Array.from({ length: 5 }, () => labels);
    const results = await resultsOf(provider, await batchFor(provider, asked));
    expect(saidBy(results)).toEqual(asked.map(() => `{"label":"${label}"}`));
    expect(emulator.stats().calls[CHAT]).toBe(5 + steps);
    expect(onWarning).toHaveBeenCalledTimes(steps);
    expect(onWarning.mock.calls[0]?.[0]).toMatchObject({ code: "structured_output_unsupported" });
  });

  it("is not given up for one bad request once the server has shown that it takes it", async () => {
    let calls = 0;
    const answer: Answerer = () => {
      calls += 1;
      const body = { error: { message: "grammar: bad row" } };
      return calls === 2 ? { error: { status: 400, body } } : { content: '{"label":"red"}' };
    };
    const onWarning = vi.fn();
    const { provider } = await liveWith({ answer }, { onWarning, concurrency: 1 });
    const results = await resultsOf(provider, await batchFor(provider, [labels, labels, labels]));
    expect(saidBy(results)).toEqual(['{"label":"red"}', "(invalid_input)", '{"label":"red"}']);
    expect(onWarning).not.toHaveBeenCalled();
  });
});

describe("embeddings", () => {
  const form = { kind: "embedding", dimensions: 8 } as const;
  const embed = (text: string): ReturnType<typeof request> => request(text, { form });

  it("share calls, and come apart as they would have come alone", async () => {
    const { emulator, provider } = await liveWith({}, { concurrency: 2 });
    const results = await resultsOf(provider, await batchFor(provider, texts(130).map(embed)));
    expect(emulator.stats().calls["POST /embeddings"]).toBe(3);
    const alone = await liveWith();
    for (const at of [0, 64, 129]) {
      const batch = await batchFor(alone.provider, [embed(`text ${String(at)}`)]);
      const single = { ...batch, batchId: `alone-${String(at)}` };
      const [result] = await resultsOf(alone.provider, single);
      expect(results[at]).toMatchObject({ status: "succeeded" });
      expect(results[at]).toHaveProperty("embedding", Reflect.get(result ?? {}, "embedding"));
    }
    const billed = results.reduce((sum, { usage }) => sum + (usage?.inputTokens ?? 0), 0);
    expect(billed).toBe(emulator.stats().promptTokensBilled);
  });

  it("fail alone where one text is bad", async () => {
    const { provider } = await liveWith();
    const asked = ["a", "b", "", "d", "e"].map(embed);
    const results = await resultsOf(provider, await batchFor(provider, asked));
    expect(results.map(({ status }) => status)).toEqual([
      "succeeded",
      "succeeded",
      "failed",
      "succeeded",
      "succeeded",
    ]);
  });
});
