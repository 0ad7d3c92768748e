/** Plain clients of every protocol the emulator speaks, which do as little as a client can. */

import { openAsBlob } from "node:fs";
import { request as ask, type Agent } from "node:http";
import type { EmulatorUrls } from "../src/emulator/emulator.ts";

/** One protocol: what a request looks like, and how a file of them becomes answers. */
export interface ProtocolClient {
  /** A line of the request file. */
  readonly line: (row: number, text: string) => unknown;
  /** Hands the file in, waits for the batch, and gives the answers as a stream of bytes. */
  readonly batch: (urls: EmulatorUrls, path: string) => Promise<Response>;
  /** The path and body of one request by itself. */
  readonly live: (text: string) => { readonly path: string; readonly body: unknown };
  readonly base: (urls: EmulatorUrls) => string;
  readonly headers: Readonly<Record<string, string>>;
}

const JSON_TYPE = { "content-type": "application/json" };
const BEARER = { authorization: "Bearer none" };
const ANTHROPIC = { "x-api-key": "none", "anthropic-version": "2023-06-01" };
const GOOGLE = { "x-goog-api-key": "none" };
const GENERATE = "/v1beta/models/gemini-test";
const VERTEX_PLACE = "/v1/projects/p/locations/us-central1";

/** The protocols by the names they have in the results. */
export const CLIENTS: Readonly<Record<string, ProtocolClient>> = {
  "OpenAI chat": openai("/v1/chat/completions", (text) => ({
    messages: [{ role: "user", content: text }],
  })),
  "OpenAI responses": openai("/v1/responses", (input) => ({ input })),
  "OpenAI embeddings": openai("/v1/embeddings", (input) => ({ input })),
  Anthropic: {
    base: ({ anthropic }) => anthropic,
    headers: ANTHROPIC,
    line: (row, text) => ({ custom_id: `row-${String(row)}`, params: messageOf(text) }),
    batch: anthropicBatch,
    live: (text) => ({ path: "/v1/messages", body: messageOf(text) }),
  },
  Google: {
    base: ({ google }) => google,
    headers: GOOGLE,
    line: (row, text) => ({ key: `row-${String(row)}`, request: contentsOf(text) }),
    batch: googleBatch,
    live: (text) => ({ path: `${GENERATE}:generateContent`, body: contentsOf(text) }),
  },
  Vertex: {
    base: ({ vertex }) => vertex,
    headers: BEARER,
    line: (row, text) => ({ custom_id: `row-${String(row)}`, request: contentsOf(text) }),
    batch: vertexJob,
    live: (text) => ({
      path: `${VERTEX_PLACE}/publishers/google/models/gemini-test:generateContent`,
      body: contentsOf(text),
    }),
  },
};

type Json = Readonly<Record<string, unknown>>;

function messageOf(text: string): Json {
  return {
    model: "claude-test",
    max_tokens: 64,
    messages: [{ role: "user", content: text }],
  };
}

function contentsOf(text: string): Json {
  return { contents: [{ role: "user", parts: [{ text }] }] };
}

function openai(url: string, body: (text: string) => Json): ProtocolClient {
  const bodyOf = (text: string): Json => ({ model: "m", ...body(text) });
  return {
    base: ({ openai: base }) => base,
    headers: BEARER,
    line: (row, text) => ({
      custom_id: `row-${String(row)}`,
      method: "POST",
      url,
      body: bodyOf(text),
    }),
    batch: (urls, path) => openaiBatch(urls.openai, path, url),
    live: (text) => ({ path: url.replace("/v1", ""), body: bodyOf(text) }),
  };
}

async function told(url: string, init: RequestInit): Promise<Response> {
  const answer = await fetch(url, init);
  if (answer.ok) return answer;
  throw new Error(`${url}: ${String(answer.status)} ${await answer.text()}`);
}

async function read(url: string, init: RequestInit): Promise<Json> {
  return (await (await told(url, init)).json()) as Json;
}

/** Looks until `isDone`; 5 ms apart, which costs the emulator next to nothing. */
async function until(look: () => Promise<Json>, isDone: (found: Json) => boolean): Promise<Json> {
  for (;;) {
    const found = await look();
    if (isDone(found)) return found;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Hands a file of requests in to a service of OpenAI's protocol, and gives the answers as they come. */
export async function openaiBatch(base: string, path: string, endpoint: string): Promise<Response> {
  const form = new FormData();
  form.append("purpose", "batch");
  form.append("file", await openAsBlob(path), "requests.jsonl");
  const file = await read(`${base}/files`, { method: "POST", headers: BEARER, body: form });
  const batch = await read(`${base}/batches`, {
    method: "POST",
    headers: { ...BEARER, ...JSON_TYPE },
    body: JSON.stringify({ input_file_id: file["id"], endpoint, completion_window: "24h" }),
  });
  const ended = await until(
    () => read(`${base}/batches/${String(batch["id"])}`, { headers: BEARER }),
    ({ status }) => status === "completed" || status === "failed",
  );
  return told(`${base}/files/${String(ended["output_file_id"])}/content`, { headers: BEARER });
}

async function anthropicBatch({ anthropic }: EmulatorUrls, path: string): Promise<Response> {
  const lines = (await (await openAsBlob(path)).text()).trimEnd().replaceAll("\n", ",");
  const url = `${anthropic}/v1/messages/batches`;
  const batch = await read(url, {
    method: "POST",
    headers: { ...ANTHROPIC, ...JSON_TYPE },
    body: `{"requests":[${lines}]}`,
  });
  const one = `${url}/${String(batch["id"])}`;
  await until(
    () => read(one, { headers: ANTHROPIC }),
    ({ processing_status: status }) => status === "ended",
  );
  return told(`${one}/results`, { headers: ANTHROPIC });
}

async function googleBatch({ google }: EmulatorUrls, path: string): Promise<Response> {
  const body = await openAsBlob(path);
  const begun = await told(`${google}/upload/v1beta/files`, {
    method: "POST",
    headers: {
      ...{ ...GOOGLE, ...JSON_TYPE, "x-goog-upload-protocol": "resumable" },
      ...{ "x-goog-upload-command": "start", "x-goog-upload-header-content-type": "jsonl" },
      "x-goog-upload-header-content-length": String(body.size),
    },
    body: JSON.stringify({ file: { displayName: "bench" } }),
  });
  const uploaded = await read(begun.headers.get("x-goog-upload-url") ?? "", {
    method: "POST",
    headers: { "x-goog-upload-command": "upload, finalize", "x-goog-upload-offset": "0" },
    body,
  });
  const { name } = uploaded["file"] as Json;
  const batch = await read(`${google}${GENERATE}:batchGenerateContent`, {
    method: "POST",
    headers: { ...GOOGLE, ...JSON_TYPE },
    body: JSON.stringify({ batch: { displayName: "bench", inputConfig: { fileName: name } } }),
  });
  const ended = await until(
    () => read(`${google}/v1beta/${String(batch["name"])}`, { headers: GOOGLE }),
    ({ done }) => done === true,
  );
  const { responsesFile } = ended["response"] as Json;
  const url = `${google}/download/v1beta/${String(responsesFile)}:download?alt=media`;
  return told(url, { headers: GOOGLE });
}

let uploads = 0;

async function vertexJob({ vertex }: EmulatorUrls, path: string): Promise<Response> {
  uploads += 1;
  const name = `rows-${String(uploads)}.jsonl`;
  await told(`${vertex}/upload/storage/v1/b/in/o?uploadType=media&name=${name}`, {
    method: "POST",
    headers: BEARER,
    body: await openAsBlob(path),
  });
  const jobs = `${vertex}${VERTEX_PLACE}/batchPredictionJobs`;
  const job = await read(jobs, {
    method: "POST",
    headers: { ...BEARER, ...JSON_TYPE },
    body: JSON.stringify({
      displayName: "bench",
      model: "publishers/google/models/gemini-test",
      inputConfig: { instancesFormat: "jsonl", gcsSource: { uris: [`gs://in/${name}`] } },
      outputConfig: {
        predictionsFormat: "jsonl",
        gcsDestination: { outputUriPrefix: `gs://out/${String(uploads)}` },
      },
    }),
  });
  const id = String(job["name"]).split("/").at(-1) ?? "";
  const ended = await until(
    () => read(`${jobs}/${id}`, { headers: BEARER }),
    ({ state }) => !/PENDING|RUNNING|QUEUED/.test(String(state)),
  );
  const { gcsOutputDirectory } = ended["outputInfo"] as Json;
  const prefix = encodeURIComponent(String(gcsOutputDirectory).replace("gs://out/", ""));
  const found = await read(`${vertex}/storage/v1/b/out/o?prefix=${prefix}`, { headers: BEARER });
  const places = (found["items"] as readonly Json[]).map(({ name: held }) => String(held));
  // One after the other: fetch ends the body of a reply that is collected as garbage before it is read.
  const pieces = async function* (): AsyncGenerator<Uint8Array> {
    for (const place of places) {
      const url = `${vertex}/storage/v1/b/out/o/${encodeURIComponent(place)}?alt=media`;
      const reply = await told(url, { headers: BEARER });
      if (reply.body !== null) yield* reply.body;
    }
  };
  return new Response(ReadableStream.from(pieces()));
}

/** Asks one request by itself over a connection that is kept; resolves when the whole reply is in. */
export function askedLive(
  url: string,
  { headers, body, agent }: { headers: Json; body: unknown; agent: Agent },
): Promise<void> {
  return new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const length = String(Buffer.byteLength(text));
    const all = { ...headers, ...JSON_TYPE, "content-length": length } as Record<string, string>;
    const call = ask(url, { method: "POST", headers: all, agent }, (reply) => {
      reply.resume();
      reply.on("end", () => {
        if (reply.statusCode === 200) resolve();
        else reject(new Error(`${url}: ${String(reply.statusCode)}`));
      });
    });
    call.on("error", reject);
    call.end(text);
  });
}
