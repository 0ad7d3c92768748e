import { request } from "node:http";
import { Mistral } from "@mistralai/mistralai";
import Groq from "groq-sdk";
import OpenAI, { AzureOpenAI } from "openai";
import Together from "together-ai";
import { describe, expect, it, onTestFinished } from "vitest";
import {
  manualClock,
  startEmulator,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";

const KEY = "any-key";

async function started(options: EmulatorOptions = {}): Promise<Emulator> {
  const emulator = await startEmulator({ seed: 5, ...options });
  onTestFinished(() => emulator.close());
  return emulator;
}

const messages = (text: string): object[] => [{ role: "user", content: text }];

const routed = (id: string, model = "m", url = "/v1/chat/completions"): string =>
  JSON.stringify({ custom_id: id, method: "POST", url, body: { model, messages: messages(id) } });

const fileOf = (...lines: readonly string[]): File =>
  new File([lines.map((line) => `${line}\n`).join("")], "in.jsonl");

/** Whether a batch or file is in a state, whatever the client's types know of states. */
const isState = (seen: object, state: string): boolean => "status" in seen && seen.status === state;

/** Looks again until `read` gives something. */
async function until<T>(read: () => Promise<T | null>): Promise<T> {
  for (;;) {
    const value = await read();
    if (value !== null) return value;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

const rowsOf = (text: string): readonly Record<string, unknown>[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("Groq's own client", () => {
  const client = (emulator: Emulator): Groq =>
    new Groq({ apiKey: KEY, baseURL: emulator.urls.groq, maxRetries: 0 });

  it("sends a batch, lists it and reads its answers", async () => {
    const groq = client(await started());
    const file = await groq.files.create({ file: fileOf(routed("a")), purpose: "batch" });
    expect(file.id).toMatch(/^file_01/);
    const made = await groq.batches.create({
      input_file_id: file.id ?? "",
      endpoint: "/v1/chat/completions",
      completion_window: "3d",
      metadata: { run: "r1" },
    });
    expect(made.expires_at).toBe(made.created_at + 3 * 86_400);
    const batch = await until(async () => {
      const seen = await groq.batches.retrieve(made.id);
      return seen.status === "completed" ? seen : null;
    });
    const output = await groq.files.content(batch.output_file_id ?? "");
    expect(rowsOf(await output.text())).toMatchObject([{ custom_id: "a", error: null }]);
    const list = await groq.batches.list();
    expect(list).not.toHaveProperty("has_more");
    expect(list.data).toMatchObject([{ id: made.id, metadata: { run: "r1" } }]);
  });

  it.each(["1h", "8d", "soon"])("is refused a window of %s", async (window) => {
    const groq = client(await started());
    const file = await groq.files.create({ file: fileOf(routed("a")), purpose: "batch" });
    const asked = { input_file_id: file.id ?? "", endpoint: "/v1/chat/completions" } as const;
    const create = groq.batches.create({ ...asked, completion_window: window });
    await expect(create).rejects.toMatchObject({ status: 400 });
  });
});

describe("Together's own client", () => {
  async function uploaded(emulator: Emulator, ...lines: readonly string[]): Promise<string> {
    const form = new FormData();
    form.set("purpose", "batch-api");
    form.set("file_name", "mine.jsonl");
    form.set("file", fileOf(...lines));
    const url = `${emulator.urls.together}/files/upload`;
    const headers = { authorization: `Bearer ${KEY}` };
    const response = await fetch(url, { method: "POST", body: form, headers });
    return ((await response.json()) as { id: string }).id;
  }
  const line = (id: string): string =>
    JSON.stringify({ custom_id: id, body: { model: "m", messages: messages(id) } });

  it("gets a new batch inside `job`, a known one bare and all of them as an array", async () => {
    const emulator = await started();
    const together = new Together({ apiKey: KEY, baseURL: emulator.urls.together, maxRetries: 0 });
    const input = await uploaded(emulator, line("a"), line("b"));
    expect(await together.files.retrieve(input)).toMatchObject({ filename: "mine.jsonl" });
    const call = { input_file_id: input, endpoint: "/v1/chat/completions" } as const;
    const { job } = await together.batches.create(call);
    expect(job).toMatchObject({ status: "VALIDATING", input_file_id: input, progress: 0 });
    const done = await until(async () => {
      const seen = await together.batches.retrieve(job?.id ?? "");
      return seen.status === "COMPLETED" ? seen : null;
    });
    expect(done.created_at).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(done).not.toHaveProperty("request_counts");
    expect(await together.batches.list()).toMatchObject([{ id: job?.id }]);
    await expect(together.batches.cancel(job?.id ?? "")).rejects.toMatchObject({ status: 409 });
    const output = await together.files.content(done.output_file_id ?? "");
    expect(rowsOf(await output.text())).toHaveLength(2);
  });

  it("finds a refused row without a response", async () => {
    const emulator = await started({ faults: { failRows: { status: 400 } } });
    const together = new Together({ apiKey: KEY, baseURL: emulator.urls.together });
    const input = await uploaded(emulator, line("a"));
    const { job } = await together.batches.create({
      input_file_id: input,
      endpoint: "/v1/chat/completions",
    });
    const id = await until(
      async () => (await together.batches.retrieve(job?.id ?? "")).error_file_id ?? null,
    );
    const [row] = rowsOf(await (await together.files.content(id)).text());
    expect(row).toMatchObject({ custom_id: "a", error: { code: "batch_client_error" } });
    expect(row).not.toHaveProperty("response");
  });

  it("would be turned away without a name of its own", async () => {
    const emulator = await started();
    const status = await new Promise<number | undefined>((resolve) => {
      const headers = { authorization: `Bearer ${KEY}` };
      request(`${emulator.urls.together}/batches`, { headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      }).end();
    });
    expect(status).toBe(403);
  });
});

describe("Mistral's own client", () => {
  const client = (emulator: Emulator): Mistral =>
    new Mistral({ apiKey: KEY, serverURL: emulator.urls.mistral });
  const line = (id: string): string =>
    JSON.stringify({ custom_id: id, body: { messages: messages(id), max_tokens: 9 } });
  const ended = (mistral: Mistral, jobId: string, inline = false): ReturnType<typeof look> =>
    until(async () => {
      const job = await look(mistral, jobId, inline);
      return job.status === "QUEUED" || job.status === "RUNNING" ? null : job;
    });
  const look = (mistral: Mistral, jobId: string, inline: boolean) =>
    mistral.batch.jobs.get({ jobId, inline });

  it("makes a job from a file whose lines name no model, and reads, lists and deletes it", async () => {
    const mistral = client(await started());
    const file = await mistral.files.upload({ file: fileOf(line("a")), purpose: "batch" });
    expect(file).toMatchObject({ sampleType: "batch_request", source: "upload" });
    const made = await mistral.batch.jobs.create({
      inputFiles: [file.id],
      endpoint: "/v1/chat/completions",
      model: "mistral-small-latest",
      metadata: { run: "r1" },
    });
    expect(made).toMatchObject({ status: "QUEUED", metadata: { run: "r1" }, errors: [] });
    const job = await ended(mistral, made.id);
    expect(job).toMatchObject({ status: "SUCCESS", totalRequests: 1, succeededRequests: 1 });
    const bytes = await mistral.files.download({ fileId: job.outputFile ?? "" });
    const [row] = rowsOf(await new Response(bytes).text());
    expect(row).toMatchObject({
      custom_id: "a",
      response: { status_code: 200, body: { model: "mistral-small-latest" } },
    });
    expect(row?.["response"]).not.toHaveProperty("request_id");
    const query = { status: ["SUCCESS" as const], pageSize: 1 };
    expect(await mistral.batch.jobs.list(query)).toMatchObject({ total: 1 });
    const running = { status: ["RUNNING" as const] };
    expect(await mistral.batch.jobs.list(running)).toMatchObject({ total: 0 });
    await mistral.batch.jobs.delete({ jobId: made.id });
    expect(await mistral.batch.jobs.list()).toMatchObject({ total: 0 });
  });

  it("sends requests inline and gets their answers with the job", async () => {
    const mistral = client(await started());
    const requests = [{ customId: "a", body: { messages: messages("hello") } }];
    const made = await mistral.batch.jobs.create({
      requests,
      endpoint: "/v1/chat/completions",
      model: "m",
    });
    const job = await ended(mistral, made.id, true);
    expect(job.outputs).toMatchObject([{ custom_id: "a", response: { status_code: 200 } }]);
  });

  it("is told in words why a job failed, and may cancel one", async () => {
    const emulator = await started({ faults: { stuck: 1 } });
    const mistral = client(emulator);
    const file = await mistral.files.upload({ file: fileOf(line("a")), purpose: "batch" });
    const endpoint = "/v1/chat/completions" as const;
    const call = { inputFiles: [file.id], endpoint, model: "m" };
    const stuck = await mistral.batch.jobs.create(call);
    const cancelling = await mistral.batch.jobs.cancel({ jobId: stuck.id });
    expect(cancelling.status).toBe("CANCELLATION_REQUESTED");
    expect((await ended(mistral, stuck.id)).status).toMatch(/^CANCEL/);
    emulator.setFaults({ failValidation: { code: "x", message: "Because." } });
    const failed = await ended(mistral, (await mistral.batch.jobs.create(call)).id);
    expect(failed).toMatchObject({ status: "FAILED", errors: [{ message: "Because.", count: 1 }] });
  });
});

describe("Azure", () => {
  const apiVersion = "2024-10-21";

  it("answers AzureOpenAI under a dated version: ISO dates, capitals, late counts, an empty error file", async () => {
    // Time that stands still, so that nothing has ended before it was looked at.
    const clock = manualClock();
    const emulator = await started({ clock });
    const azure = new AzureOpenAI({
      apiKey: KEY,
      endpoint: emulator.urls.azure,
      apiVersion,
      maxRetries: 0,
    });
    const upload = fileOf(routed("a", "my-deployment", "/chat/completions"));
    const file = await azure.files.create({ file: upload, purpose: "batch" });
    expect(file).toMatchObject({ status: "pending" });
    const create = (): ReturnType<typeof azure.batches.create> =>
      azure.batches.create({
        input_file_id: file.id,
        endpoint: "/chat/completions" as "/v1/chat/completions",
        completion_window: "24h",
      });
    await expect(create()).rejects.toMatchObject({ status: 400, code: "file_not_ready" });
    clock.advance(10);
    expect(await azure.files.retrieve(file.id)).toMatchObject({ status: "processed" });
    const made = await create();
    expect(made).toMatchObject({ status: "Validating", request_counts: null });
    expect(made.created_at).toMatch(/^\d{4}-\d\d-\d\dT/);
    const batch = await until(async () => {
      clock.advance(10);
      const seen = await azure.batches.retrieve(made.id);
      return isState(seen, "Completed") ? seen : null;
    });
    expect(batch.request_counts).toMatchObject({ total: 1, completed: 1 });
    const errors = await azure.files.content(batch.error_file_id ?? "");
    expect(await errors.text()).toBe("");
    const listed: unknown = await azure.get("/batches");
    expect(listed).toMatchObject({ value: [{ id: made.id }] });
  });

  it("answers AzureOpenAI's single requests under the path of a deployment", async () => {
    const { urls } = await started();
    const azure = new AzureOpenAI({ apiKey: KEY, endpoint: urls.azure, apiVersion });
    const reply = await azure.chat.completions.create({
      model: "my-deployment",
      messages: [{ role: "user", content: "hi" }],
    });
    expect(reply).toMatchObject({ model: "my-deployment", choices: [{ finish_reason: "stop" }] });
  });

  it("has no batches for a client that was given a deployment", async () => {
    const emulator = await started();
    const azure = new AzureOpenAI({
      apiKey: KEY,
      endpoint: emulator.urls.azure,
      apiVersion,
      deployment: "d",
      maxRetries: 0,
    });
    const create = azure.batches.create({
      input_file_id: "file-x",
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    await expect(create).rejects.toMatchObject({ status: 404 });
  });

  it("answers the plain client under /openai/v1, and never ends a batch for its age", async () => {
    const emulator = await started();
    const openai = new OpenAI({ apiKey: KEY, baseURL: `${emulator.urls.azure}/openai/v1` });
    const file = await openai.files.create({ file: fileOf(routed("a", "d")), purpose: "batch" });
    await until(async () =>
      isState(await openai.files.retrieve(file.id), "processed") ? true : null,
    );
    const made = await openai.batches.create({
      input_file_id: file.id,
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
    });
    expect(made.status).toBe("validating");
    expect(made.expires_at).toBe(made.created_at + 86_400);
  });

  it("wants the key under its own name and the version on every call of the dated API", async () => {
    const { urls } = await started();
    const bearer = { authorization: `Bearer ${KEY}` };
    const dated = `${urls.azure}/openai/batches?api-version=${apiVersion}`;
    expect((await fetch(dated, { headers: bearer })).status).toBe(401);
    expect((await fetch(dated, { headers: { "api-key": KEY } })).status).toBe(200);
    const undated = `${urls.azure}/openai/batches`;
    expect((await fetch(undated, { headers: { "api-key": KEY } })).status).toBe(404);
  });
});

describe("other hosts", () => {
  const post = (url: string, body: object): Promise<Response> =>
    fetch(url, {
      method: "POST",
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
      body: JSON.stringify(body),
    });

  it("Parasail takes several models in one file, which OpenAI does not", async () => {
    const emulator = await started();
    for (const [baseURL, expected] of [
      [emulator.urls.parasail, "completed"],
      [emulator.url, "failed"],
    ] as const) {
      const client = new OpenAI({ apiKey: KEY, baseURL });
      const upload = fileOf(routed("a", "one"), routed("b", "two"));
      const file = await client.files.create({ file: upload, purpose: "batch" });
      const { id } = await client.batches.create({
        input_file_id: file.id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      const status = await until(async () => {
        const seen = await client.batches.retrieve(id);
        return ["completed", "failed"].includes(seen.status) ? seen.status : null;
      });
      expect(status).toBe(expected);
    }
  });

  it("Regolo wants minutes and `params`, and lets ten batches be open", async () => {
    const emulator = await started({ faults: { stuck: 1 } });
    const client = new OpenAI({ apiKey: KEY, baseURL: emulator.urls.regolo });
    const line = JSON.stringify({
      custom_id: "a",
      params: { model: "m", messages: messages("a") },
    });
    const file = await client.files.create({ file: fileOf(line), purpose: "batch" });
    const url = `${emulator.urls.regolo}/batches`;
    const asked = { input_file_id: file.id, endpoint: "/v1/chat/completions" };
    expect((await post(url, { ...asked, completion_window: "24h" })).status).toBe(400);
    const replies = [];
    for (let more = 0; more < 11; more++)
      replies.push((await post(url, { ...asked, timeout_minutes: 60 })).status);
    expect(replies).toEqual([...Array.from({ length: 10 }, () => 200), 429]);
  });

  it("a host sees its own files only", async () => {
    const emulator = await started();
    const groq = new Groq({ apiKey: KEY, baseURL: emulator.urls.groq });
    const file = await groq.files.create({ file: fileOf(routed("a")), purpose: "batch" });
    const openai = new OpenAI({ apiKey: KEY, baseURL: emulator.url, maxRetries: 0 });
    await expect(openai.files.retrieve(file.id ?? "")).rejects.toMatchObject({ status: 404 });
    expect((await openai.files.list()).data).toEqual([]);
  });

  it("the plain server answers single requests without a key, and has no files", async () => {
    const { urls } = await started();
    const client = new OpenAI({ apiKey: "none", baseURL: urls.plain, maxRetries: 0 });
    const reply = await client.chat.completions.create({
      model: "m",
      messages: [{ role: "user", content: "hi" }],
    });
    expect(reply.choices[0]?.message.content).toBe("hi");
    expect((await fetch(`${urls.plain}/models`)).status).toBe(200);
    await expect(client.files.list()).rejects.toMatchObject({ status: 404 });
    await expect(client.batches.list()).rejects.toMatchObject({ status: 404 });
  });
});
