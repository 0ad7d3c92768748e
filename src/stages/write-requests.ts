/** write requests: requests handed on by other chunks get a request file of their own. */

import { requestFileName, type Chunk, type FailedRequest } from "../core/chunk.ts";
import { InvariantError } from "../core/errors.ts";
import { linesOf } from "../core/lines.ts";
import { customId, readCustomId } from "../core/tracker.ts";
import { providerOf, type Ports } from "./ports.ts";

/**
 * Writes the request file of a chunk whose requests were sent before, by copying their lines from the
 * first chunks that held them, under new custom_ids. Nothing is rendered again, so an input that has
 * changed since cannot change what is asked. Records the file's size in the store.
 */
export async function writeRequests(chunk: Chunk, ports: Ports): Promise<void> {
  const { store, token } = ports;
  const wanted = await store.ordinals(chunk.number);
  const rewrite = await rewriting(chunk, wanted, ports);
  const { maxBytesPerBatch } = providerOf(chunk, ports).limits;
  let bytes = 0;
  const writer = await store.files.create(requestFileName(chunk.number));
  let next = 0;
  try {
    for (const source of await store.chunks()) {
      if (next >= wanted.length) break;
      // The plan's chunks hold consecutive ordinals in order: one pass finds every line.
      if (source.origin !== "plan") continue;
      const held = await store.ordinals(source.number);
      if ((held.at(-1) ?? -1) < (wanted[next] ?? 0)) continue;
      for await (const line of linesOf(store.files.read(requestFileName(source.number)))) {
        const ordinal = ordinalOf(line.text, token);
        if (ordinal !== wanted[next]) continue;
        const id = customId(token, { chunk: chunk.number, ordinal });
        const renewed = `${rewrite(line.text, id, ordinal)}\n`;
        bytes += Buffer.byteLength(renewed);
        await writer.write(renewed);
        next += 1;
        if (next >= wanted.length) break;
      }
    }
    if (next < wanted.length)
      throw new InvariantError(
        "request_lost",
        `Request ${String(wanted[next])} of chunk ${String(chunk.number)} is in no request file. Nothing was sent for this chunk.`,
        { hint: "Keep the run directory and report this." },
      );
    if (bytes > maxBytesPerBatch && wanted.length > 1) {
      // Requests of several chunks came together here: each alone fits, all together do not.
      await writer.abort();
      await store.divided(chunk.number, Math.ceil(wanted.length / 2));
      return;
    }
    await writer.commit();
    // While this was written another chunk may have handed on more requests to this one; then the file
    // is not recorded, and the next step writes it again with them.
    await store.written(chunk.number, { bytes, requestCount: wanted.length });
  } catch (error) {
    await writer.abort();
    throw error;
  }
}

type Rewrite = (line: string, customId: string, ordinal: number) => string;

/** Lines are sent again as they were, or changed when their answer had been unusable. */
async function rewriting(chunk: Chunk, wanted: Uint32Array, ports: Ports): Promise<Rewrite> {
  const { provider, store } = ports;
  if (chunk.attempt === 1) return (line, id) => provider.readdress(line, id);
  const asked = new Set(wanted);
  const failures = new Map<number, FailedRequest>();
  for await (const failure of store.failures())
    if (asked.has(failure.ordinal)) failures.set(failure.ordinal, failure);
  return (line, id, ordinal) => {
    const failure = failures.get(ordinal);
    return failure === undefined ? provider.readdress(line, id) : provider.amend(line, id, failure);
  };
}

// Every provider's line begins with its id field, so the id is found without parsing the whole line.
const ID_AT_START = /^\{"(?:custom_id|key)":"([A-Za-z0-9_-]{1,64})"/;

function ordinalOf(line: string, token: string): number | null {
  const id = ID_AT_START.exec(line)?.[1];
  return id === undefined ? null : (readCustomId(token, id)?.ordinal ?? null);
}
