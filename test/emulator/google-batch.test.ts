import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/emulator.ts";
import {
  createdBatch,
  endedBatch,
  googleStage,
  keyedLine,
  keyedLines,
  plain,
  replyLines,
  uploaded,
} from "./google-drive.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("a Gemini batch over a file", () => {
  it("is answered for the official client, every key once, in another order", async () => {
    const { client, emulator } = await googleStage();
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(20)));
    expect(batch).toMatchObject({ state: "JOB_STATE_SUCCEEDED", displayName: "tests" });
    const lines = await replyLines(client, batch);
    const keys = lines.map(({ key }) => key);
    const given = keyedLines(20).map(({ key }) => key);
    expect(keys).not.toEqual(given);
    expect(keys.toSorted()).toEqual(given.toSorted());
    for (const { key, response } of lines)
      expect(response?.candidates?.[0]?.content.parts).toEqual([{ text: `text of ${key}` }]);
    expect(emulator.stats()).toMatchObject({
      batchesCreated: 1,
      rowsExecuted: 20,
      customIdsBilledAgain: 0,
    });
    expect(emulator.executions({ customId: "r3" })).toBe(1);
    expect(emulator.executions({ body: keyedLine("r3")["request"] })).toBe(1);
  });

  it("is an operation with texts for 64-bit numbers, and answers rows without usage or whole", async () => {
    const { client, emulator } = await googleStage({
      faults: { failRows: { customIds: ["r1"], status: 400 } },
    });
    const { name = "" } = await createdBatch(client, keyedLines(3));
    const first = await plain(emulator, `/v1/${name}`);
    expect(first.body).not.toHaveProperty("done");
    const { dest } = await endedBatch(client, { name });
    const { body } = await plain(emulator, `/v1beta/${name}`);
    expect(body).toEqual({
      name,
      done: true,
      metadata: {
        "@type": expect.stringContaining("GenerateContentBatch") as string,
        name,
        model: "models/gemini-test",
        displayName: "tests",
        state: "BATCH_STATE_SUCCEEDED",
        createTime: expect.any(String) as string,
        endTime: expect.any(String) as string,
        updateTime: expect.any(String) as string,
        inputConfig: { fileName: expect.stringMatching(/^files\//) as string },
        output: { responsesFile: dest?.fileName },
        batchStats: {
          requestCount: "3",
          successfulRequestCount: "2",
          failedRequestCount: "1",
        },
        priority: "0",
      },
      response: {
        "@type": expect.stringContaining("GenerateContentBatchOutput") as string,
        responsesFile: dest?.fileName,
      },
    });
    const lines = await replyLines(client, { name, ...(dest === undefined ? {} : { dest }) });
    expect(lines.find(({ key }) => key === "r1")).toEqual({
      key: "r1",
      error: { code: 3, message: expect.any(String) as string },
    });
  });

  it.each([
    ["failRows", { failRows: { status: 429 } }, { error: { code: 8 } }],
    ["failRows", { failRows: 1 }, { error: { code: 13 } }],
    [
      "refuseRows",
      { refuseRows: 1 },
      { response: { promptFeedback: { blockReason: "PROHIBITED_CONTENT" } } },
    ],
    [
      "truncateRows",
      { truncateRows: 1 },
      { response: { candidates: [{ finishReason: "MAX_TOKENS" }] } },
    ],
    [
      "contentFilterRows",
      { contentFilterRows: 1 },
      { response: { candidates: [{ finishReason: "SAFETY" }] } },
    ],
    ["modelSnapshot", { modelSnapshot: "-001" }, { response: { modelVersion: "gemini-test-001" } }],
  ])("meets the fault of rows %s", async (_, faults, expected) => {
    const { client } = await googleStage({ faults });
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(1)));
    expect(await replyLines(client, batch)).toMatchObject([{ key: "r0", ...expected }]);
  });

  it("loses, doubles and invents lines when told to, and bills what was executed", async () => {
    const { client, emulator } = await googleStage({
      faults: {
        dropRows: { customIds: ["r0"] },
        duplicateRows: { customIds: ["r1"], otherAnswer: true },
        unknownIds: { customIds: ["r2"] },
        noUsage: { customIds: ["r2"] },
      },
    });
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(3)));
    const lines = await replyLines(client, batch);
    expect(lines.map(({ key }) => key).toSorted()).toEqual([
      "r1",
      "r1",
      "r2",
      expect.stringMatching(/^unknown-/) as string,
    ]);
    const texts = lines
      .filter(({ key }) => key === "r1")
      .map(({ response }) => response?.candidates?.[0]?.content.parts?.[0]?.text);
    expect(texts).toEqual(["text of r1", "text of r1 (again)"]);
    expect(lines.find(({ key }) => key === "r2")?.response).not.toHaveProperty("usageMetadata");
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 3 });
  });
});

describe("a Gemini batch of inline requests", () => {
  const requests = Array.from({ length: 12 }, (_, index) => ({
    contents: `text ${String(index)}`,
    metadata: { key: `q${String(index)}` },
  }));

  async function inline(faults = {}): Promise<readonly { text: unknown; key: unknown }[]> {
    const { client } = await googleStage({ faults });
    const job = await client.batches.create({ model: "gemini-test", src: requests });
    const { dest } = await endedBatch(client, job);
    return (dest?.inlinedResponses ?? []).map(({ response, metadata }) => ({
      text: response?.candidates?.[0]?.content?.parts?.[0]?.text,
      key: metadata?.["key"],
    }));
  }

  const given = requests.map(({ contents, metadata }) => ({ text: contents, key: metadata.key }));

  it("is answered in the order of its requests, with their metadata", async () => {
    expect(await inline()).toEqual(given);
  });

  it("lacks the metadata when told to", async () => {
    const nameless = given.map(({ text }) => ({ text, key: undefined }));
    expect(await inline({ dropInlineMetadata: 1 })).toEqual(nameless);
  });

  it("comes in another order when told to", async () => {
    const replies = await inline({ shuffleInline: 1 });
    expect(replies).not.toEqual(given);
    expect(replies).toHaveLength(given.length);
    expect(replies).toEqual(expect.arrayContaining(given));
  });
});

describe("the end of a Gemini batch", () => {
  it("is EXPIRED after 48 hours, with nothing, though a row was answered", async () => {
    const clock = manualClock();
    const { client, emulator } = await googleStage({ clock, faults: { stuck: 1 } });
    const job = await createdBatch(client, keyedLines(3));
    clock.advance(2 * DAY_MS - 1000);
    expect(await client.batches.get({ name: job.name ?? "" })).not.toMatchObject({
      state: "JOB_STATE_EXPIRED",
    });
    clock.advance(1000);
    const batch = await endedBatch(client, job);
    expect(batch).toMatchObject({ state: "JOB_STATE_EXPIRED" });
    expect(batch.dest).toBeUndefined();
    const { body } = await plain(emulator, `/v1/${job.name ?? ""}`);
    expect(body).toMatchObject({ done: true });
    expect(body).not.toHaveProperty("response");
  });

  it("is EXPIRED with nothing when its time is over in the middle of it", async () => {
    const { client, emulator } = await googleStage({ faults: { expireAfterRows: 0.5 } });
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(10)));
    expect(batch).toMatchObject({ state: "JOB_STATE_EXPIRED" });
    expect(batch.dest).toBeUndefined();
    expect(emulator.stats().rowsExecuted).toBe(5);
  });

  it("is CANCELLED with an error of code 13 some time after the cancel was acknowledged", async () => {
    const clock = manualClock();
    const { client, emulator } = await googleStage({ clock });
    const job = await createdBatch(client, keyedLines(3));
    const path = `/v1/${job.name ?? ""}`;
    const cancelled = await plain(emulator, `${path}:cancel`, { method: "POST", body: "{}" });
    expect([cancelled.status, cancelled.body]).toEqual([200, {}]);
    expect((await plain(emulator, path)).body).not.toHaveProperty("done");
    const waiting = endedBatch(client, job);
    for (let moves = 0; moves < 20; moves += 1) {
      clock.advance(1);
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(await waiting).toMatchObject({ state: "JOB_STATE_CANCELLED" });
    expect((await plain(emulator, path)).body).toMatchObject({ done: true, error: { code: 13 } });
    const again = await plain(emulator, `${path}:cancel`, { method: "POST", body: "{}" });
    expect(again).toMatchObject({
      status: 400,
      body: { error: { status: "FAILED_PRECONDITION" } },
    });
  });

  it("is SUCCEEDED after a cancel that came too late", async () => {
    const { client } = await googleStage({ faults: { cancelTooLate: 1 } });
    const job = await createdBatch(client, keyedLines(3));
    await client.batches.cancel({ name: job.name ?? "" });
    const batch = await endedBatch(client, job);
    expect(batch.state).toBe("JOB_STATE_SUCCEEDED");
    expect(await replyLines(client, batch)).toHaveLength(3);
  });

  it("is FAILED with an error in the operation when told to", async () => {
    const { client, emulator } = await googleStage({
      faults: { failValidation: { code: "RESOURCE_EXHAUSTED", message: "Full." } },
    });
    const job = await createdBatch(client, keyedLines(1));
    expect((await endedBatch(client, job)).state).toBe("JOB_STATE_FAILED");
    const { body } = await plain(emulator, `/v1/${job.name ?? ""}`);
    expect(body).toMatchObject({ done: true, error: { code: 8, message: "Full." } });
  });

  it.each([
    ["noFile", undefined],
    ["emptyFile", []],
  ] as const)("may be SUCCEEDED without answers (%s)", async (how, expected) => {
    const { client } = await googleStage({ faults: { emptyOutput: { how } } });
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(1)));
    expect(batch.state).toBe("JOB_STATE_SUCCEEDED");
    const lines = batch.dest?.fileName === undefined ? undefined : await replyLines(client, batch);
    expect(lines).toEqual(expected);
  });

  it("waits for its release in PENDING or RUNNING when held there", async () => {
    const { client, emulator } = await googleStage({ faults: { stuckValidating: 1 } });
    const job = await createdBatch(client, keyedLines(1));
    while (emulator.release(job.name) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect((await endedBatch(client, job)).state).toBe("JOB_STATE_SUCCEEDED");
    expect(emulator.stats().batches).toEqual({ BATCH_STATE_SUCCEEDED: 1 });
  });
});

describe("the creation of a Gemini batch", () => {
  const create = (src: string): { method: string; body: string } => ({
    method: "POST",
    body: JSON.stringify({ batch: { display_name: "x", input_config: { file_name: src } } }),
  });
  const path = "/v1/models/gemini-test:batchGenerateContent";

  it.each([
    ["no JSON", "{", "parse"],
    ["no request", '{"key":"a"}', "request"],
    ["a key that is no text", '{"key":1,"request":{}}', "key"],
    ["a member that does not exist", '{"request":{"messages":[]}}', "messages"],
    [
      "a setting that does not exist",
      '{"request":{"generation_config":{"max_tokens":1}}}',
      "max_tokens",
    ],
  ])("is refused as a whole for a row with %s", async (_, line, word) => {
    const { client, emulator } = await googleStage();
    const good = JSON.stringify(keyedLine("r0"));
    const src = await uploaded(client, `${good}\n${line}\n`);
    const { status, body } = await plain(emulator, path, create(src));
    expect(status).toBe(400);
    expect(JSON.stringify(body)).toContain(word);
    expect(JSON.stringify(body)).toContain("Row 2");
    expect(emulator.stats().batchesCreated).toBe(0);
  });

  it("is refused for an empty file, a file that is not there, and no input at all", async () => {
    const { client, emulator } = await googleStage();
    const empty = await uploaded(client, "\n");
    expect((await plain(emulator, path, create(empty))).status).toBe(400);
    expect((await plain(emulator, path, create("files/none"))).status).toBe(404);
    expect((await plain(emulator, path, { method: "POST", body: "{}" })).status).toBe(400);
    expect((await plain(emulator, path, { method: "POST", body: "no" })).status).toBe(400);
  });

  it("is refused for a model that does not exist and when there is no room", async () => {
    const { client, emulator } = await googleStage({
      models: ["gemini-test"],
      limits: { enqueuedTokens: 12 },
      faults: { stuck: 1 },
    });
    const src = await uploaded(client, keyedLines(2));
    const other = "/v1/models/gemini-none:batchGenerateContent";
    expect((await plain(emulator, other, create(src))).status).toBe(404);
    const first = await plain(emulator, path, create(src));
    expect(first).toMatchObject({ status: 200, body: { metadata: { displayName: "x" } } });
    const second = await plain(emulator, path, create(src));
    expect(second).toMatchObject({
      status: 429,
      body: { error: { status: "RESOURCE_EXHAUSTED" } },
    });
    while (emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await endedBatch(client, { name: String(first.body["name"]) });
    expect((await plain(emulator, path, create(src))).status).toBe(200);
  });
});

describe("the list of Gemini batches", () => {
  it("comes in pages for the official client, the newest first", async () => {
    const { client } = await googleStage();
    const names: (string | undefined)[] = [];
    for (let made = 0; made < 5; made += 1)
      names.push((await createdBatch(client, keyedLines(1))).name);
    const listed: (string | undefined)[] = [];
    for await (const job of await client.batches.list({ config: { pageSize: 2 } }))
      listed.push(job.name);
    expect(listed).toEqual(names.toReversed());
  });

  it("may be empty without a page size, and may not show a new batch yet", async () => {
    const { client, emulator } = await googleStage({ faults: { listNeedsPageSize: true } });
    await createdBatch(client, keyedLines(1));
    expect((await plain(emulator, "/v1/batches")).body).toEqual({});
    expect((await plain(emulator, "/v1/batches?pageSize=5")).body).toHaveProperty("operations");
    emulator.setFaults({ listLagMs: 60_000 });
    expect((await plain(emulator, "/v1/batches?pageSize=5")).body).toEqual({});
    expect((await plain(emulator, "/v1/batches?pageSize=-1")).status).toBe(400);
    expect((await plain(emulator, "/v1/batches?pageToken=x")).status).toBe(400);
  });
});

describe("the deletion of a Gemini batch", () => {
  it("takes its responses along, and stops it when it is under way", async () => {
    const { client, emulator } = await googleStage();
    const batch = await endedBatch(client, await createdBatch(client, keyedLines(1)));
    const file = batch.dest?.fileName ?? "";
    expect((await plain(emulator, `/v1/${file}`, { method: "DELETE" })).status).toBe(400);
    await client.batches.delete({ name: batch.name ?? "" });
    expect((await plain(emulator, `/v1/${batch.name ?? ""}`)).status).toBe(404);
    expect((await plain(emulator, `/download/v1beta/${file}:download?alt=media`)).status).toBe(404);
    expect(emulator.stats()).toMatchObject({ fileDeletions: 1 });
    emulator.setFaults({ stuck: 1 });
    const held = await createdBatch(client, keyedLines(1));
    await client.batches.delete({ name: held.name ?? "" });
    expect(emulator.stats()).toMatchObject({ rowsExecuted: 1, batches: {} });
  });
});
