/** The input of a Gemini batch, checked while the client waits: one malformed row refuses all. */
import { malformedEmbed } from "./google-embed.ts";
import { badRequest, failureOf, refusal } from "./google-errors.ts";
import { malformed, promptTokens } from "./google-request.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";
import { eachLine } from "./lines.ts";
import type { World } from "./world.ts";

/** What a batch does with its rows. */
export type GoogleBatchKind = "generate" | "embed";

/** An input that passed: where its lines lie, so that they can be read again in any order. */
export interface GooglePlan {
  readonly path: string;
  readonly kind: GoogleBatchKind;
  /** True when the requests came in the create call and the answers are to go the same way. */
  readonly inline: boolean;
  readonly count: number;
  readonly offsets: Float64Array;
  readonly lengths: Uint32Array;
  /** Estimated, for the budget of enqueued tokens. */
  readonly promptTokens: number;
}

/** One row of the input, taken apart. */
export interface GoogleRow {
  /** The file's `key`, or the `key` in the metadata of an inline request; null when there is none. */
  readonly key: string | null;
  readonly request: JsonObject;
  readonly metadata: JsonObject | null;
}

/** The plan for an uploaded file; throws the refusal of one that cannot be used. */
export async function planOfFile(
  world: World,
  name: string,
  kind: GoogleBatchKind,
): Promise<GooglePlan> {
  const file = world.files.find(name, world.nowMs());
  if (file === null) throw refusal(failureOf(404, "Requested entity was not found."));
  return planOf(file.path, { kind, inline: false });
}

/** The plan for requests that came inline, which are put into a file of their own. */
export async function planOfRequests(
  world: World,
  requests: readonly unknown[],
  kind: GoogleBatchKind,
): Promise<GooglePlan> {
  const writer = await world.files.startWriting();
  for (const request of requests) await writer.write(`${JSON.stringify(request)}\n`);
  await writer.finish();
  return planOf(writer.path, { kind, inline: true });
}

async function planOf(path: string, how: Pick<GooglePlan, "kind" | "inline">): Promise<GooglePlan> {
  const offsets: number[] = [];
  const lengths: number[] = [];
  let tokens = 0;
  await eachLine(path, (line) => {
    const text = line.bytes.toString("utf8");
    if (text.trim() === "") return null;
    const parsed = parseJson(text);
    const problem = isJsonObject(parsed)
      ? malformedRow(parsed, how.kind)
      : "Failed to parse the JSON.";
    if (problem !== null) {
      throw refusal(badRequest(`Row ${String(line.number)} of the input: ${problem}`));
    }
    tokens += promptTokens(rowOf(parsed).request);
    offsets.push(line.offset);
    lengths.push(line.bytes.length);
    return null;
  });
  if (offsets.length === 0) throw refusal(badRequest("The batch holds no requests."));
  const where = { offsets: Float64Array.from(offsets), lengths: Uint32Array.from(lengths) };
  return { path, ...how, count: offsets.length, ...where, promptTokens: tokens };
}

function malformedRow(row: JsonObject, kind: GoogleBatchKind): string | null {
  if (row["key"] !== undefined && typeof row["key"] !== "string") return "The key is not a text.";
  return kind === "embed" ? malformedEmbed(row["request"]) : malformed(row["request"]);
}

/** The row a line holds. The line must have been through a plan. */
export function rowOf(parsed: unknown): GoogleRow {
  const row = isJsonObject(parsed) ? parsed : {};
  const metadata = isJsonObject(row["metadata"]) ? row["metadata"] : null;
  const key = row["key"] ?? metadata?.["key"];
  const request = isJsonObject(row["request"]) ? row["request"] : {};
  return { key: typeof key === "string" ? key : null, request, metadata };
}
