/** Request lines of one spec, which differ only in their custom_id and their texts. */

import { beginsAlike, type Message, type Request } from "./request.ts";

/** Writes the line that asks a request, without its newline. */
export type EncodeLine = (request: Request, customId: string) => string;

const ID = "q00000000-0-0";
const TEXT = "⟦text⟧";

// Built once for rows that begin alike; where they keep beginning otherwise it is not worth building.
const MOST_FORMS = 16;

/**
 * The same lines as `encode` writes for requests that share their spec, made by putting id and text into
 * the places where `encode` puts them, which saves most of the time.
 *
 * Only for providers that declare `writesTextsAsJson`: each text then stands in the line once, as
 * JSON.stringify writes it, and decides nothing else. Requests that begin with other messages, and those
 * with pictures or documents, go through `encode` where that is what is quicker or right.
 */
export function lineEncoder(encode: EncodeLine): EncodeLine {
  let form: LineForm | null = null;
  let forms = 0;
  return (request, customId) => {
    const last = request.messages.at(-1);
    if (last === undefined || typeof last.content !== "string") return encode(request, customId);
    if (form?.role !== last.role || !beginsAlike(request.messages, form.before)) {
      if (forms >= MOST_FORMS) return encode(request, customId);
      forms += 1;
      form = formOf(request, encode);
    }
    const [start, middle, end] = form.pieces;
    if (middle === undefined) return encode(request, customId);
    return `${start ?? ""}${customId}${middle}${JSON.stringify(last.content)}${end ?? ""}`;
  };
}

interface LineForm {
  readonly before: readonly Message[];
  readonly role: Message["role"];
  /** What stands before the id, between it and the text, and after the text; none where they cannot be told. */
  readonly pieces: readonly string[];
}

function formOf(request: Request, encode: EncodeLine): LineForm {
  const { messages } = request;
  const before = messages.slice(0, -1);
  const role = messages.at(-1)?.role ?? "user";
  const line = encode({ ...request, messages: [...before, { role, content: TEXT }] }, ID);
  const [start = "", rest, ...more] = line.split(ID);
  const ends = rest?.split(JSON.stringify(TEXT)) ?? [];
  const isTold = more.length === 0 && ends.length === 2;
  return { before, role, pieces: isTold ? [start, ...ends] : [] };
}
