/** plan: rows become distinct requests, and every row learns which request answers it. */

import type { Cell } from "../core/column.ts";
import { REQUEST_ID_BYTES } from "../core/chunk.ts";
import type { DedupeIndex } from "../core/dedupe.ts";
import { lineForms } from "../core/line-form.ts";
import {
  digestTexts,
  type Digested,
  type PackedPrompts,
  type PackedTexts,
} from "../core/packed.ts";
import { newRequest, packedBlock, promptPacker } from "../core/packing.ts";
import { NO_REQUEST, type NewRequest, type PlannedBlock } from "../core/plan.ts";
import {
  requestIdentity,
  type Message,
  type Prompt,
  type Request,
  type RequestSpec,
} from "../core/request.ts";
import type { OnNull } from "../core/template.ts";
import type { Frame } from "../frame/frame.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { Rendering, Unaskable } from "./ports.ts";

/** What planning needs to know. */
export interface PlanInput {
  readonly frame: Frame;
  readonly rendering: Rendering;
  readonly spec: RequestSpec;
  readonly onNull: OnNull;
  /** Rows past this many are kept and not asked; null asks all. */
  readonly limit: number | null;
  readonly provider: Pick<BatchProvider, "id" | "host" | "encode" | "limits" | "writesTextsAsJson">;
  /** The requests that are known already, to which those of these rows are added. */
  readonly index: DedupeIndex;
  /** Told of each column that is blank in a row with nothing to ask. */
  readonly onBlank?: (column: string) => void;
  /** The row to begin with; those before it were planned before. */
  readonly firstRow: number;
  /** Makes identities and JSON of texts, in this thread where it is left out. */
  readonly digest?: Digest;
}

/** Makes identities and JSON of texts, here or elsewhere; the texts' bytes may be taken away by it. */
export type Digest = (texts: PackedTexts) => Promise<Digested>;

// Small enough to keep the event loop free for a heartbeat, large enough to amortise a block.
const ROWS_PER_BLOCK = 1000;

// So many blocks are read while others are being digested.
const MOST_AHEAD = 8;

/**
 * The plan, block by block, in row order.
 *
 * Identical prompts become one request. A row without a prompt is skipped, or rejected as
 * `invalid_input` under `onNull: "fail"`, as is one whose cell is not what the template needs; a row whose request is larger than the provider takes, or
 * with a longer text than it may have, is rejected as `too_long`. Repeatable: the same rows, settings and
 * index give the same plan. Reads some blocks ahead.
 *
 * @throws {InputError} where the frame is damaged, after the rows before it.
 */
export async function* planRows(input: PlanInput): AsyncGenerator<PlannedBlock> {
  const here: Digest = (texts) => Promise.resolve(digestTexts(texts));
  const digest = input.digest ?? here;
  const ahead: { readonly made: Promise<Digested>; readonly asked: AskedRows }[] = [];
  const rows = askedRows(input);
  const next = (): Promise<Read> =>
    rows.next().then(
      (read) => (read.done === true ? { end: {} } : { asked: read.value }),
      // Told once the rows before the damage are planned.
      (error: unknown) => ({ end: { error } }),
    );
  try {
    let reading: Promise<Read> | null = next();
    let end: { readonly error?: unknown } | null = null;
    while (reading !== null || ahead.length > 0) {
      const [first] = ahead;
      const isFull = reading === null || ahead.length >= MOST_AHEAD;
      // What is made already waits for no later row, which may be long in coming.
      const read: Read | null =
        first === undefined
          ? await reading
          : await Promise.race([first.made.then(() => null), ...(isFull ? [] : [reading])]);
      if (read === null) {
        ahead.shift();
        if (first !== undefined) yield placed(first.asked, await first.made);
      } else if ("asked" in read) {
        const made = digest(read.asked.packed.texts);
        // Told by whoever waits for it.
        made.catch(() => undefined);
        ahead.push({ made, asked: read.asked });
        reading = next();
      } else {
        end = read.end;
        reading = null;
      }
    }
    if (end !== null && "error" in end) throw end.error;
  } finally {
    await rows.return(undefined);
  }

  function placed(
    { firstRow, fates, packed, cutRows }: AskedRows,
    digested: Digested,
  ): PlannedBlock {
    const { index } = input;
    const block = packedBlock(packed, digested);
    const ids = new DataView(block.ids.buffer);
    const fresh: NewRequest[] = [];
    for (let at = 0; at < fates.length; at++) {
      const place = fates[at] ?? 0;
      if (place < 0) continue;
      const known = index.findOrAdd(ids, place * REQUEST_ID_BYTES);
      if (known === null) fresh.push(newRequest(block, place, index.size - 1));
      fates[at] = known ?? index.size - 1;
    }
    const cut = cutRows.length === 0 ? {} : { cutRows };
    return { rows: { firstRow, requests: fates }, requests: fresh, ...cut };
  }
}

/** A block of rows, or that there is none any more, and why where it is damage. */
type Read = { readonly asked: AskedRows } | { readonly end: { readonly error?: unknown } };

interface AskedRows {
  readonly firstRow: number;
  /** For each row the place of its prompt among those packed, or why it has none. */
  readonly fates: Int32Array;
  readonly packed: PackedPrompts;
  readonly cutRows: readonly number[];
}

/** The rows with the prompts they come to. */
async function* askedRows(input: PlanInput): AsyncGenerator<AskedRows> {
  // One name may stand for different models on different hosts.
  const { provider, spec } = input;
  const identity = requestIdentity(`${provider.id} ${provider.host}`, spec);
  const formOf =
    provider.writesTextsAsJson === true
      ? lineForms((request, id) => provider.encode(request, id), spec)
      : () => null;
  const packer = promptPacker(identity, formOf);
  const isTooLong = lengthCheck(input);
  const limit = input.limit ?? Number.POSITIVE_INFINITY;
  const { columns } = input.rendering;
  for await (const block of input.frame.blocks(columns, ROWS_PER_BLOCK, input.firstRow)) {
    const from = Math.max(0, input.firstRow - block.firstRow);
    if (from >= block.rowCount) continue;
    const firstRow = block.firstRow + from;
    const fates = new Int32Array(block.rowCount - from);
    const promptOf = input.rendering.prompts(block);
    const cutRows: number[] = [];
    const valuesBy = new Map<string, readonly Cell[]>();
    for (let at = 0; at < fates.length; at++) {
      const row = from + at;
      const withheld = block.withheld?.(row) ?? null;
      if (firstRow + at >= limit) fates[at] = NO_REQUEST.limit;
      else if (withheld !== null) fates[at] = NO_REQUEST[withheld];
      else fates[at] = fateOf(at, promptOf(row));
    }
    yield { firstRow, fates, packed: packer.take(), cutRows };

    function fateOf(at: number, prompt: Prompt | Unaskable | null): number {
      if (prompt === "unfit") return NO_REQUEST.invalid_input;
      if (prompt === "too_long") return NO_REQUEST.too_long;
      if (prompt === null) noteBlanks(from + at);
      if (prompt === null)
        return input.onNull === "fail" ? NO_REQUEST.invalid_input : NO_REQUEST.blank;
      if (isTooLong(prompt)) return NO_REQUEST.too_long;
      if (prompt.isCut === true) cutRows.push(at);
      return packer.add(prompt);
    }

    function noteBlanks(row: number): void {
      if (input.onBlank === undefined) return;
      for (const name of columns) {
        // Read where a row is blank only: a frame may convert a whole column for it.
        const values = valuesBy.get(name) ?? block.values(name);
        valuesBy.set(name, values);
        const cell = values[row] ?? null;
        if (cell === null || (typeof cell === "string" && cell.trim() === "")) input.onBlank(name);
      }
    }
  }
}

// JSON may write one UTF-16 code unit as six bytes; below that bound nothing needs measuring.
const WORST_BYTES_PER_CODE_UNIT = 6;
const LONGEST_CUSTOM_ID = "x".repeat(64);

// Around every message's content: role, keys, quotes and commas.
const UNITS_AROUND_CONTENT = 100;

function unitsOf({ content }: Message): number {
  if (typeof content === "string") return content.length + UNITS_AROUND_CONTENT;
  return content.reduce(
    (sum, part) =>
      sum +
      UNITS_AROUND_CONTENT +
      (part.type === "text" ? part.text : "url" in part ? part.url : part.data).length,
    UNITS_AROUND_CONTENT,
  );
}

/** Tells whether a request's line is larger than the provider takes; encodes only those that may be. */
function lengthCheck({ spec, provider }: PlanInput): (prompt: Prompt) => boolean {
  const { maxBytesPerRequest, maxBytesPerBatch } = provider.limits;
  const largest = Math.min(maxBytesPerRequest, maxBytesPerBatch - 1);
  const measure = (request: Request): number =>
    Buffer.byteLength(provider.encode(request, LONGEST_CUSTOM_ID));
  const sharedBytes = measure({ ...spec, messages: [], cells: [] });
  return ({ messages, cells }) => {
    let units = 0;
    for (const message of messages) units += unitsOf(message);
    if (sharedBytes + units * WORST_BYTES_PER_CODE_UNIT < largest) return false;
    return measure({ ...spec, messages, cells }) > largest;
  };
}
