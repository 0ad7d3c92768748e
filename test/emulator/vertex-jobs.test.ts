import { GoogleGenAI, JobState } from "@google/genai";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/emulator.ts";
import { credentialsFor, TOKEN } from "../provider/google-credentials.ts";
import {
  callJobs,
  endedJob,
  jobOf,
  linesOfJob,
  pathOfJob,
  uploadedRows,
  vertexRows,
  vertexStage,
  type VertexStage,
} from "./vertex-drive.ts";

type Json = Readonly<Record<string, unknown>>;

async function createdJob(stage: VertexStage, rows: readonly unknown[], differing: Json = {}) {
  const uri = await uploadedRows(stage, rows);
  const { status, json } = await callJobs(stage, "", {
    method: "POST",
    body: jobOf([uri], differing),
  });
  expect(status).toBe(200);
  return json;
}

describe("a batch prediction job", () => {
  it("answers every row in shards, in another order, with the echo of what was asked", async () => {
    const stage = await vertexStage({ seed: 1 });
    const job = await endedJob(stage, await createdJob(stage, vertexRows(50)));
    expect(job).toMatchObject({
      name: expect.stringMatching(
        /^projects\/p\/locations\/us-central1\/batchPredictionJobs\/\d+$/,
      ) as string,
      state: "JOB_STATE_SUCCEEDED",
      completionStats: { successfulCount: "50" },
      outputInfo: {
        gcsOutputDirectory: expect.stringMatching(
          /^gs:\/\/out\/results\/prediction-model-.*Z$/,
        ) as string,
      },
      startTime: expect.any(String) as string,
      endTime: expect.any(String) as string,
    });
    const files = await linesOfJob(stage, job);
    expect([...files.values()].filter((lines) => lines.length > 0).length).toBeGreaterThan(1);
    const lines = [...files.values()].flat();
    const ids = lines.map((line) => line["custom_id"]);
    expect(ids).not.toEqual(vertexRows(50).map((row) => row["custom_id"]));
    expect(new Set(ids)).toEqual(new Set(vertexRows(50).map((row) => row["custom_id"])));
    for (const line of lines)
      expect(line).toMatchObject({
        status: "",
        processed_time: expect.stringMatching(/\+00:00$/) as string,
        request: { contents: [{ parts: [{ text: `text of ${String(line["custom_id"])}` }] }] },
        response: {
          candidates: [{ content: { parts: [{ text: `text of ${String(line["custom_id"])}` }] } }],
        },
      });
    expect(stage.emulator.stats()).toMatchObject({
      batchesCreated: 1,
      rowsExecuted: 50,
      batches: { JOB_STATE_SUCCEEDED: 1 },
    });
  });

  it("tells of a row that failed in its status, beside those that did not", async () => {
    const stage = await vertexStage({ faults: { failRows: { customIds: ["r1"], status: 400 } } });
    const job = await endedJob(stage, await createdJob(stage, vertexRows(3)));
    expect(job["completionStats"]).toEqual({ successfulCount: "2", failedCount: "1" });
    const lines = [...(await linesOfJob(stage, job)).values()].flat();
    const failed = lines.find((line) => line["custom_id"] === "r1");
    expect(failed).not.toHaveProperty("response");
    expect(failed?.["status"]).toMatch(/^Bad Request: \{"error":\{"code":400,/);
    expect(stage.emulator.stats()).toMatchObject({ rowsExecuted: 2, rowsFailed: 1 });
  });

  it("makes numbers of what looks like one beside the request, and leaves other text alone", async () => {
    const stage = await vertexStage();
    const request = vertexRows(1)[0]?.["request"];
    const rows = [{ custom_id: "000000", other: "a1", more: "1.50", deep: { id: "7" }, request }];
    const job = await endedJob(stage, await createdJob(stage, rows));
    const [line] = [...(await linesOfJob(stage, job)).values()].flat();
    expect(line).toMatchObject({ custom_id: 0, other: "a1", more: 1.5, deep: { id: "7" } });
  });

  it.each<[string, unknown[]]>([
    ["a name with $", [{ request: { a: { $defs: { b: 1 } } } }]],
    ["a name with a blank", [{ request: { "a b": 1 } }]],
    ["an empty object", [{ request: { a: [{}] } }]],
    ["another type in the same place", [{ request: { a: 1 } }, { request: { a: "1" } }]],
    ["objects too deep", [{ request: deep(16) }]],
    ["a list in the place of a row", [[]]],
  ])("fails as a whole for one row with %s", async (_, bad) => {
    const stage = await vertexStage();
    const job = await endedJob(stage, await createdJob(stage, [...vertexRows(2), ...bad]));
    expect(job).toMatchObject({ state: "JOB_STATE_FAILED", error: { code: 3 } });
    expect(job).not.toHaveProperty("outputInfo");
    expect(stage.emulator.stats()).toMatchObject({ rowsExecuted: 0, rowsFailed: 0 });
  });

  it("takes objects as deep as is allowed", async () => {
    const stage = await vertexStage();
    const job = await endedJob(stage, await createdJob(stage, [{ request: deep(15) }]));
    expect(job["state"]).toBe("JOB_STATE_SUCCEEDED");
  });

  it("fails for a file that is not there, and for more rows than are allowed", async () => {
    const stage = await vertexStage({ limits: { maxRequests: 2 } });
    const missing = await callJobs(stage, "", { method: "POST", body: jobOf(["gs://in/none"]) });
    expect(await endedJob(stage, missing.json)).toMatchObject({
      state: "JOB_STATE_FAILED",
      error: { code: 5 },
    });
    expect(await endedJob(stage, await createdJob(stage, vertexRows(3)))).toMatchObject({
      error: { code: 3 },
    });
  });

  it("that ran for a day is cancelled, and keeps what it had by then", async () => {
    const clock = manualClock();
    const stage = await vertexStage({ clock, runMs: 48 * 60 * 60 * 1000, concurrency: 1 });
    const created = await createdJob(stage, vertexRows(10));
    while (stage.emulator.stats().batches["JOB_STATE_CANCELLED"] === undefined) {
      clock.advance(60 * 60 * 1000);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    const job = await endedJob(stage, created);
    expect(job).toMatchObject({
      state: "JOB_STATE_CANCELLED",
      error: { code: 1 },
      completionStats: { incompleteCount: "-1" },
    });
    const ranMs = Date.parse(String(job["endTime"])) - Date.parse(String(job["startTime"]));
    expect(ranMs).toBeGreaterThanOrEqual(24 * 60 * 60 * 1000);
    const lines = [...(await linesOfJob(stage, job)).values()].flat();
    expect(lines.length).toBe(stage.emulator.stats().rowsExecuted);
    expect(lines.length).toBeGreaterThan(0);
  });

  it("that is never begun expires after three days", async () => {
    const clock = manualClock();
    const stage = await vertexStage({ clock, faults: { stuckValidating: 1 } });
    const created = await createdJob(stage, vertexRows(1));
    clock.advance(1000);
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(71 * 60 * 60 * 1000);
    const { json } = await callJobs(stage, pathOfJob(created));
    expect(json["state"]).toBe("JOB_STATE_PENDING");
    clock.advance(2 * 60 * 60 * 1000);
    expect((await endedJob(stage, created))["state"]).toBe("JOB_STATE_EXPIRED");
  });

  it.each([
    [true, 1],
    [false, 0],
  ])("that is cancelled keeps its finished rows: %s", async (cancelKeeps, least) => {
    const stage = await vertexStage({ runMs: 60_000, concurrency: 1, faults: { cancelKeeps } });
    const created = await createdJob(stage, vertexRows(20));
    while (stage.emulator.stats().rowsExecuted === 0)
      await new Promise((resolve) => setTimeout(resolve, 2));
    const cancelled = await callJobs(stage, `${pathOfJob(created)}:cancel`, { method: "POST" });
    expect(cancelled).toEqual({ status: 200, json: {} });
    const job = await endedJob(stage, created);
    expect(job).toMatchObject({ state: "JOB_STATE_CANCELLED", error: { code: 1 } });
    const files = job["outputInfo"] === undefined ? new Map() : await linesOfJob(stage, job);
    expect([...files.values()].flat().length >= least).toBe(true);
    expect(files.size > 0).toBe(cancelKeeps);
  });

  it.each<[string, Json, number]>([
    ["no name for people", { displayName: "" }, 400],
    ["no model", { model: undefined }, 400],
    ["a model that does not exist", { model: "publishers/google/models/other" }, 404],
    ["no input", { inputConfig: { instancesFormat: "jsonl" } }, 400],
    ["no output", { outputConfig: { predictionsFormat: "jsonl" } }, 400],
    ["a label in capitals", { labels: { run: "ABC" } }, 400],
    ["a label that is too long", { labels: { run: "a".repeat(64) } }, 400],
  ])("is refused with %s", async (_, differing, status) => {
    const stage = await vertexStage({ models: ["gemini-test"] });
    const uri = await uploadedRows(stage, vertexRows(1));
    const reply = await callJobs(stage, "", { method: "POST", body: jobOf([uri], differing) });
    expect(reply.status).toBe(status);
    expect(stage.emulator.stats().batchesCreated).toBe(0);
  });

  it("is listed by its labels, its name and its state, newest first, and page by page", async () => {
    const stage = await vertexStage();
    const names: unknown[] = [];
    for (const run of ["a", "b", "a"])
      names.unshift((await createdJob(stage, vertexRows(1), { labels: { run } }))["name"]);
    const listed = async (filter: string, more = ""): Promise<unknown[]> => {
      const path = `?filter=${encodeURIComponent(filter)}${more}`;
      const { json } = await callJobs(stage, path);
      const jobs = (json["batchPredictionJobs"] ?? []) as readonly Json[];
      return jobs.map((job) => job["name"]);
    };
    expect(await listed("")).toEqual(names);
    expect(await listed('labels.run="b"')).toEqual([names[1]]);
    expect(await listed("labels.run=a AND display_name=tests")).toEqual([names[0], names[2]]);
    expect(await listed("labels.other:*")).toEqual([]);
    expect(await listed('labels.run!="a"')).toEqual([names[1]]);
    expect(await listed("", "&pageSize=2")).toEqual(names.slice(0, 2));
    expect((await callJobs(stage, "?pageSize=2")).json["nextPageToken"]).toBe("2");
    expect(await listed("", "&pageSize=2&pageToken=2")).toEqual(names.slice(2));
    expect((await callJobs(stage, "?filter=size%3E3")).status).toBe(400);
    expect((await callJobs(stage, "?filter=size%3D3")).status).toBe(400);
  });

  it("is deleted once it has ended, and not before", async () => {
    const stage = await vertexStage({ faults: { stuck: 1 } });
    const created = await createdJob(stage, vertexRows(1));
    const path = pathOfJob(created);
    expect((await callJobs(stage, path, { method: "DELETE" })).status).toBe(400);
    while (stage.emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    await endedJob(stage, created);
    const gone = await callJobs(stage, path, { method: "DELETE" });
    expect(gone).toMatchObject({ status: 200, json: { done: true } });
    expect((await callJobs(stage, path)).status).toBe(404);
  });
});

/** Objects in objects, so many of them. */
function deep(levels: number): Json {
  return levels === 1 ? { a: 1 } : { a: deep(levels - 1) };
}

describe("Google's own client, in its Vertex mode", () => {
  async function clientOf(stage: VertexStage): Promise<GoogleGenAI> {
    await credentialsFor({ status: 200, body: TOKEN });
    return new GoogleGenAI({
      vertexai: true,
      project: "p",
      location: "us-central1",
      httpOptions: { baseUrl: stage.emulator.urls.vertex },
    });
  }

  it("creates a job over files in Cloud Storage, sees it end, lists, cancels and deletes it", async () => {
    const stage = await vertexStage();
    const client = await clientOf(stage);
    const src = await uploadedRows(stage, vertexRows(3));
    const config = { dest: "gs://out/results", displayName: "by the client" };
    const created = await client.batches.create({ model: "gemini-test", src, config });
    expect(created).toMatchObject({ state: JobState.JOB_STATE_PENDING });
    const name = created.name ?? "";
    const job = await endedJob(stage, { name });
    const seen = await client.batches.get({ name });
    expect(seen).toMatchObject({
      state: JobState.JOB_STATE_SUCCEEDED,
      displayName: "by the client",
      completionStats: { successfulCount: "3" },
      dest: { format: "jsonl", gcsUri: "gs://out/results" },
    });
    const lines = [...(await linesOfJob(stage, job)).values()].flat();
    expect(lines).toHaveLength(3);
    const listed: unknown[] = [];
    for await (const one of await client.batches.list()) listed.push(one.name);
    expect(listed).toEqual([name]);
    await client.batches.delete({ name });
    expect(stage.emulator.stats().batches).toEqual({});
    stage.emulator.setFaults({ stuck: 1 });
    const second = await client.batches.create({ model: "gemini-test", src, config });
    await client.batches.cancel({ name: second.name ?? "" });
    expect((await endedJob(stage, { name: second.name }))["state"]).toBe("JOB_STATE_CANCELLED");
  });
});
