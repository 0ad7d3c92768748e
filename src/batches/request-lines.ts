/** Request files outside a run: written from prompts, or checked before they are sent. */

import { createReadStream } from "node:fs";
import { InputError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import type { Params, Prompt, RequestSpec } from "../core/request.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { MessageGiven, PartGiven } from "../stages/render.ts";

/** One request of a batch that is built by hand: a prompt, or the whole list of messages. */
export type BatchRequest = {
  /** At most 64 letters, digits, `_` and `-`, a letter first; `request-0`, `request-1`, … by place when left out. */
  readonly customId?: string;
  /** Extra fields for this request's body; they win over those of the whole batch. */
  readonly params?: Params;
} & (
  | { readonly prompt: string | readonly PartGiven[]; readonly messages?: never }
  | { readonly messages: readonly MessageGiven[]; readonly prompt?: never }
);

/** Lines of JSON: the path of a file, its bytes, or its text. */
export type LinesSource = string | Uint8Array | { readonly text: string };

/** What writing request lines needs. */
export interface LinesInput {
  readonly provider: Pick<BatchProvider, "id" | "encode" | "limits">;
  /** What all requests share. */
  readonly spec: RequestSpec;
  readonly promptOf: (given: Given, name: string) => Prompt | null;
}

type Given = string | { readonly user: readonly PartGiven[] } | readonly MessageGiven[];

// The narrowest rule of any provider, so that a file is good for all of them.
const CUSTOM_ID = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

/**
 * The lines of a request file, each with its line feed, in the order of the requests.
 *
 * @throws {InputError} `custom_id_invalid`, `custom_id_repeated`, `request_blank`, `request_too_long`,
 * `batch_too_large`, and what the provider's encoding throws; nothing was sent.
 */
export async function* requestLines(
  requests: Iterable<BatchRequest> | AsyncIterable<BatchRequest>,
  { provider, spec, promptOf }: LinesInput,
): AsyncGenerator<string> {
  const size = sizeCheck(provider);
  const ids = idCheck();
  let place = 0;
  for await (const request of requests) {
    const customId = request.customId ?? `request-${String(place)}`;
    const name = `request ${String(place + 1)} (${customId})`;
    place += 1;
    if (!CUSTOM_ID.test(customId)) throw customIdInvalid(customId, place);
    ids(customId, `Request ${String(place)}`);
    const prompt = promptOf(givenOf(request), name);
    if (prompt === null)
      throw new InputError("request_blank", `The prompt of ${name} is blank. Nothing was sent.`, {
        hint: "Leave such requests out: an empty prompt is charged like any other.",
      });
    const params = { ...spec.params, ...request.params };
    const line = `${provider.encode({ ...spec, params, ...prompt }, customId)}\n`;
    size(Buffer.byteLength(line), name);
    yield line;
  }
}

function givenOf({ prompt, messages }: BatchRequest): Given {
  if (messages !== undefined) return messages;
  return typeof prompt === "string" ? prompt : { user: prompt };
}

function customIdInvalid(customId: string, place: number): InputError {
  return new InputError(
    "custom_id_invalid",
    `The custom id of request ${String(place)} is ${JSON.stringify(customId)}, which providers do not take. Nothing was sent.`,
    {
      hint: "Use at most 64 letters, digits, _ and -, a letter first; keep what it stands for in a map of your own.",
    },
  );
}

/** What a checked request file holds. */
export interface CheckedLines {
  readonly requestCount: number;
  readonly bytes: number;
}

/**
 * Reads a request file to its end and checks that the provider can be given it: JSON on every line,
 * laid out as this provider takes it, an id each, no id twice, all within the provider's limits.
 *
 * @throws {InputError} `request_line_invalid`, `custom_id_repeated`, `request_too_long`,
 * `batch_too_large`, `batch_empty`, `file_missing`, `file_unreadable`; nothing was sent.
 */
export async function checkRequestLines(
  source: LinesSource,
  provider: Pick<BatchProvider, "id" | "encode" | "limits">,
): Promise<CheckedLines> {
  const layout = layoutOf(provider);
  const size = sizeCheck(provider);
  const ids = idCheck();
  let requestCount = 0;
  let bytes = 0;
  for await (const line of linesOf(bytesOf(source))) {
    requestCount += 1;
    const name = `line ${String(requestCount)}`;
    ids(idOfLine(line.text, name, { layout, provider }), `Line ${String(requestCount)}`);
    size(line.length + 1, name);
    bytes = line.offset + line.length + 1;
  }
  if (requestCount === 0)
    throw new InputError("batch_empty", "There is no request in it. Nothing was sent.", {
      hint: "Give one request a line, as batchframe build writes them.",
    });
  return { requestCount, bytes };
}

/** The ids of a request file, in order. */
export async function* customIdsOf(
  source: LinesSource,
  provider: Pick<BatchProvider, "id" | "encode">,
): AsyncGenerator<string> {
  const layout = layoutOf(provider);
  let number = 0;
  for await (const line of linesOf(bytesOf(source)))
    yield idOfLine(line.text, `line ${String(++number)}`, { layout, provider });
}

/** How a provider's request lines look: where the id is, and which members are objects. */
interface Layout {
  readonly id: string;
  readonly objects: readonly string[];
  readonly example: string;
}

const PROBE = "probe";

function layoutOf(provider: Pick<BatchProvider, "encode">): Layout {
  const spec = { model: "m", params: {}, form: { kind: "text" }, settings: {}, promptCache: null };
  const messages = [{ role: "user", content: "…" }] as const;
  const example = provider.encode({ ...(spec as RequestSpec), messages, cells: ["…"] }, PROBE);
  const members = Object.entries(JSON.parse(example) as Record<string, unknown>);
  return {
    id: members.find(([, value]) => value === PROBE)?.[0] ?? "custom_id",
    objects: members.flatMap(([name, value]) => (isObject(value) ? [name] : [])),
    example,
  };
}

/** Whether the lines a provider takes name the model; where they do not, the batch itself must. */
export function linesNameTheModel(provider: Pick<BatchProvider, "encode">): boolean {
  const model = "a-model-that-only-this-asks-for";
  const spec = { model, params: {}, form: { kind: "text" }, settings: {}, promptCache: null };
  const messages = [{ role: "user", content: "…" }] as const;
  return provider
    .encode({ ...(spec as RequestSpec), messages, cells: ["…"] }, PROBE)
    .includes(model);
}

function idOfLine(
  text: string,
  name: string,
  given: { readonly layout: Layout; readonly provider: Pick<BatchProvider, "id"> },
): string {
  const { layout, provider } = given;
  const line = parsed(text);
  if (!isObject(line)) throw lineInvalid(name, "is not a JSON object", given);
  const id = line[layout.id];
  if (typeof id !== "string" || id === "")
    throw lineInvalid(name, `has no ${JSON.stringify(layout.id)}`, given);
  const lacking = layout.objects.find((member) => !isObject(line[member]));
  if (lacking !== undefined)
    throw lineInvalid(name, `has no ${JSON.stringify(lacking)}, which ${provider.id} reads`, given);
  return id;
}

function lineInvalid(name: string, problem: string, { layout }: { layout: Layout }): InputError {
  const sentence = name[0]?.toUpperCase() ?? "";
  return new InputError(
    "request_line_invalid",
    `${sentence}${name.slice(1)} ${problem}. Nothing was sent.`,
    { hint: `This provider takes lines such as: ${layout.example}` },
  );
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Refuses an id that has been seen. */
function idCheck(): (id: string, name: string) => void {
  const seen = new Set<string>();
  return (id, name) => {
    if (seen.has(id))
      throw new InputError(
        "custom_id_repeated",
        `${name} has the custom id ${JSON.stringify(id)}, which an earlier one has too; their results could not be told apart. Nothing was sent.`,
        { hint: "Give every request an id of its own." },
      );
    seen.add(id);
  };
}

/** Refuses a request that is larger than the provider takes, and one too many for one batch. */
function sizeCheck({
  id,
  limits,
}: Pick<BatchProvider, "id" | "limits">): (bytes: number, name: string) => void {
  let count = 0;
  let total = 0;
  return (bytes, name) => {
    count += 1;
    total += bytes;
    if (bytes > limits.maxBytesPerRequest)
      throw new InputError(
        "request_too_long",
        `The request of ${name} has ${String(bytes)} bytes; ${id} takes ${String(limits.maxBytesPerRequest)}. Nothing was sent.`,
        { hint: "Shorten it, or leave it out." },
      );
    if (count <= limits.maxRequestsPerBatch && total <= limits.maxBytesPerBatch) return;
    throw new InputError(
      "batch_too_large",
      `${id} takes ${String(limits.maxRequestsPerBatch)} requests and ${String(limits.maxBytesPerBatch)} bytes in one batch, and ${name} is past that. Nothing was sent.`,
      { hint: "Make several batches of it; enrichFile and batchframe run do that by themselves." },
    );
  };
}

/**
 * The bytes of a source.
 *
 * @throws {InputError} `file_missing`, `file_unreadable`
 */
export async function* bytesOf(source: LinesSource): AsyncGenerator<Uint8Array> {
  if (typeof source !== "string") {
    const bytes = source instanceof Uint8Array ? source : Buffer.from(source.text);
    yield await Promise.resolve(bytes);
    return;
  }
  try {
    for await (const piece of createReadStream(source, { highWaterMark: 256 * 1024 }))
      yield piece as Buffer;
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw code === "ENOENT"
      ? new InputError("file_missing", `There is no file ${source}. Nothing was sent.`, { cause })
      : new InputError("file_unreadable", `${source} cannot be read (${code}). Nothing was sent.`, {
          cause,
        });
  }
}
