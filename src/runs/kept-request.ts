/** The request of a row whose answer was kept from before: it was never written down, so it is made of the input again. */

import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { Json } from "../core/hash.ts";
import { requestIdentity, type Prompt, type RequestSpec } from "../core/request.ts";
import { parseTemplate } from "../core/template.ts";
import { openFile } from "../files/files.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { Spec } from "../session/run-spec.ts";
import { textRendering } from "../stages/render.ts";
import type { StoreReader } from "../store/sqlite-reader.ts";

/** Which request is meant. */
export interface KeptRequest {
  /** The row, counted from 0. */
  readonly row: number;
  readonly ordinal: number;
  readonly spec: Spec;
  readonly store: Pick<StoreReader, "requestIds">;
  readonly provider: Pick<BatchProvider, "encode">;
}

/**
 * The line that the run would have sent for a row, under the id `cached`.
 *
 * Null where rows or template are known to the run's own code alone, where the input cannot be read any more,
 * and where it says something else now than it did when the run was planned.
 */
export async function keptRequest(asked: KeptRequest): Promise<Json> {
  const { spec, provider, ordinal, store } = asked;
  const prompt = await promptOf(asked).catch(() => null);
  if (prompt === null) return null;
  const shared: RequestSpec = {
    ...{ model: spec.model, params: spec.params, form: spec.form },
    ...{ settings: spec.call, promptCache: spec.promptCache },
    ...(spec.vote === null ? {} : { vote: spec.vote }),
  };
  // As recorded: whoever looks at a run may have no address in the environment, or another.
  const identity = requestIdentity(`${spec.provider} ${spec.host}`, shared);
  if (identity.of(prompt.messages) !== (await idAt(ordinal, store))) return null;
  return JSON.parse(provider.encode({ ...shared, ...prompt }, CACHED_ID)) as Json;
}

const CACHED_ID = "cached";

/** What the template makes of the row now; null where it makes nothing of it. */
async function promptOf({ row, spec }: KeptRequest): Promise<Prompt | null> {
  const { input, template, system, examples, form, long, onNull } = spec;
  if (input === null || template === null) return null;
  const frame = await openFile(input, spec.reading);
  const before = { system: system ?? undefined, examples, form, long };
  const rendering = textRendering(parseTemplate(template), before, onNull);
  for await (const block of frame.blocks(rendering.columns, ROWS_PER_BLOCK, row)) {
    if (row >= block.firstRow + block.rowCount) continue;
    const prompt = rendering.prompts(block)(row - block.firstRow);
    return typeof prompt === "string" ? null : prompt;
  }
  return null;
}

const ROWS_PER_BLOCK = 1000;

/** The identity that a request was planned with; null where the plan has none so far. */
async function idAt(ordinal: number, store: KeptRequest["store"]): Promise<string | null> {
  let first = ordinal * REQUEST_ID_BYTES;
  for await (const ids of store.requestIds()) {
    if (first < ids.length)
      return Buffer.from(ids.subarray(first, first + REQUEST_ID_BYTES)).toString("hex");
    first -= ids.length;
  }
  return null;
}
