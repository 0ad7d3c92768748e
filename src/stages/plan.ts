/** plan: rows become distinct requests, and every row learns which request answers it. */

import type { Cell } from "../core/column.ts";
import type { DedupeIndex } from "../core/dedupe.ts";
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
  readonly provider: Pick<BatchProvider, "id" | "host" | "encode" | "limits">;
  /** The requests that are known already, to which those of these rows are added. */
  readonly index: DedupeIndex;
  /** Told of each column that is blank in a row with nothing to ask. */
  readonly onBlank?: (column: string) => void;
  /** The row to begin with; those before it were planned before. */
  readonly firstRow: number;
}

// Small enough to keep the event loop free for a heartbeat, large enough to amortise a block.
const ROWS_PER_BLOCK = 1000;

/**
 * The plan, block by block, in row order.
 *
 * Identical prompts become one request. A row without a prompt is skipped, or rejected as
 * `invalid_input` under `onNull: "fail"`, as is one whose cell is not what the template needs; a row whose request is larger than the provider takes, or
 * with a longer text than it may have, is rejected as `too_long`. Repeatable: the same rows, settings and
 * index give the same plan.
 *
 * @throws {InputError} where the frame is damaged.
 */
export async function* planRows(input: PlanInput): AsyncGenerator<PlannedBlock> {
  const { index } = input;
  // One name may stand for different models on different hosts.
  const service = `${input.provider.id} ${input.provider.host}`;
  const identityOf = requestIdentity(service, input.spec);
  const isTooLong = lengthCheck(input);
  const limit = input.limit ?? Number.POSITIVE_INFINITY;
  const { columns } = input.rendering;
  for await (const block of input.frame.blocks(columns, ROWS_PER_BLOCK, input.firstRow)) {
    const from = Math.max(0, input.firstRow - block.firstRow);
    if (from >= block.rowCount) continue;
    const firstRow = block.firstRow + from;
    const requests = new Int32Array(block.rowCount - from);
    const fresh: NewRequest[] = [];
    const promptOf = input.rendering.prompts(block);
    const cutRows: number[] = [];
    const valuesBy = new Map<string, readonly Cell[]>();
    for (let at = 0; at < requests.length; at++) {
      const row = from + at;
      const withheld = block.withheld?.(row) ?? null;
      if (firstRow + at >= limit) requests[at] = NO_REQUEST.limit;
      else if (withheld !== null) requests[at] = NO_REQUEST[withheld];
      else requests[at] = place(at, promptOf(row));
    }
    const cut = cutRows.length === 0 ? {} : { cutRows };
    yield { rows: { firstRow, requests }, requests: fresh, ...cut };

    function place(at: number, prompt: Prompt | Unaskable | null): number {
      if (prompt === "unfit") return NO_REQUEST.invalid_input;
      if (prompt === "too_long") return NO_REQUEST.too_long;
      if (prompt === null) noteBlanks(from + at);
      if (prompt === null)
        return input.onNull === "fail" ? NO_REQUEST.invalid_input : NO_REQUEST.blank;
      if (isTooLong(prompt)) return NO_REQUEST.too_long;
      if (prompt.isCut === true) cutRows.push(at);
      const id = identityOf(prompt.messages);
      const ordinal = index.findOrAdd(id);
      if (ordinal !== null) return ordinal;
      fresh.push({ ordinal: index.size - 1, id, prompt });
      return index.size - 1;
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
