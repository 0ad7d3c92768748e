/** What the tests of the Vertex profile share: the official clients, rows, and a job driven to its end. */
import { Storage } from "@google-cloud/storage";
import { onTestFinished } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";

type Json = Readonly<Record<string, unknown>>;

/** A running emulator and a storage client that believes it is Google's. */
export interface VertexStage {
  readonly emulator: Emulator;
  readonly storage: Storage;
}

/** An emulator with seed 7, unless told otherwise, that is closed when the test ends. */
export async function vertexStage(options: EmulatorOptions = {}): Promise<VertexStage> {
  const emulator = await startEmulator({ seed: 7, ...options });
  onTestFinished(() => emulator.close());
  return { emulator, storage: storageOf(emulator) };
}

/** The official client of Cloud Storage as it comes, but for its address. */
export function storageOf(emulator: Emulator): Storage {
  return new Storage({
    apiEndpoint: emulator.urls.vertex,
    projectId: "p",
    retryOptions: { autoRetry: false },
  });
}

/** `count` rows with the ids r0, r1, and so on. */
export function vertexRows(count: number): readonly Json[] {
  return Array.from({ length: count }, (_, index) => {
    const id = `r${String(index)}`;
    const contents = [{ role: "user", parts: [{ text: `text of ${id}` }] }];
    return { custom_id: id, request: { contents } };
  });
}

/** Uploads rows as JSON lines to `gs://in/NAME`. */
export async function uploadedRows(
  { storage }: VertexStage,
  rows: readonly unknown[],
  name = "rows.jsonl",
): Promise<string> {
  const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
  await storage.bucket("in").file(name).save(text, { resumable: false });
  return `gs://in/${name}`;
}

/** A job's body. */
export function jobOf(uris: readonly string[], differing: Json = {}): Json {
  return {
    displayName: "tests",
    model: "publishers/google/models/gemini-test",
    inputConfig: { instancesFormat: "jsonl", gcsSource: { uris } },
    outputConfig: {
      predictionsFormat: "jsonl",
      gcsDestination: { outputUriPrefix: "gs://out/results" },
    },
    ...differing,
  };
}

/** A call of the job API in one location: the reply's status and JSON. */
export async function callJobs(
  { emulator }: VertexStage,
  path: string,
  init: { readonly method?: string; readonly body?: unknown } = {},
): Promise<{ readonly status: number; readonly json: Json }> {
  const jobs = `${emulator.urls.vertex}/v1/projects/p/locations/us-central1/batchPredictionJobs`;
  const reply = await fetch(`${jobs}${path}`, {
    method: init.method ?? "GET",
    ...(init.body === undefined ? {} : { body: JSON.stringify(init.body) }),
  });
  return { status: reply.status, json: (await reply.json()) as Json };
}

/** The path of a job under its location. */
export function pathOfJob(job: Json): string {
  return `/${String(job["name"]).split("/").at(-1) ?? ""}`;
}

const OPEN = /PENDING|RUNNING|CANCELLING/;

/** The job once it has ended. */
export async function endedJob(stage: VertexStage, job: Json): Promise<Json> {
  for (;;) {
    const { json } = await callJobs(stage, pathOfJob(job));
    if (!OPEN.test(String(json["state"]))) return json;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The reply lines of an ended job, by file. */
export async function linesOfJob(
  { storage }: VertexStage,
  job: Json,
): Promise<ReadonlyMap<string, readonly Json[]>> {
  const { gcsOutputDirectory } = job["outputInfo"] as { readonly gcsOutputDirectory: string };
  const [, bucket = "", prefix = ""] = /^gs:\/\/([^/]+)\/(.*)$/.exec(gcsOutputDirectory) ?? [];
  const [files] = await storage.bucket(bucket).getFiles({ prefix: `${prefix}/` });
  const found = new Map<string, readonly Json[]>();
  for (const file of files) {
    const [bytes] = await file.download();
    const lines = bytes.toString().split("\n").filter(Boolean);
    found.set(
      file.name,
      lines.map((line) => JSON.parse(line) as Json),
    );
  }
  return found;
}
