/** Request lines of one spec, which differ only in their custom_id and their texts. */

import {
  beginsAlike,
  type Message,
  type Prompt,
  type Request,
  type RequestSpec,
} from "./request.ts";

/** Writes the line that asks a request, without its newline. */
export type EncodeLine = (request: Request, customId: string) => string;

/** Writes the line that asks a prompt, by what all requests share. */
export type EncodePrompt = (prompt: Prompt, customId: string) => string;

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
export function lineEncoder(encode: EncodeLine, spec: RequestSpec): EncodePrompt {
  let form: LineForm | null = null;
  let forms = 0;
  const slowly: EncodePrompt = ({ messages, cells }, customId) =>
    encode({ ...spec, messages, cells }, customId);
  return (prompt, customId) => {
    const { messages } = prompt;
    const last = messages.at(-1);
    if (last === undefined || typeof last.content !== "string") return slowly(prompt, customId);
    if (form?.role !== last.role || !beginsAlike(messages, form.before)) {
      if (forms >= MOST_FORMS) return slowly(prompt, customId);
      forms += 1;
      form = formOf(messages, slowly);
    }
    if (form.pieces === null) return slowly(prompt, customId);
    const { start, middle, end } = form.pieces;
    return `${start}${customId}${middle}${JSON.stringify(last.content)}${end}`;
  };
}

interface LineForm {
  readonly before: readonly Message[];
  readonly role: Message["role"];
  /** What stands before the id, between it and the text, and after the text; null where they cannot be told. */
  readonly pieces: { readonly start: string; readonly middle: string; readonly end: string } | null;
}

function formOf(messages: readonly Message[], encode: EncodePrompt): LineForm {
  const before = messages.slice(0, -1);
  const role = messages.at(-1)?.role ?? "user";
  const line = encode({ messages: [...before, { role, content: TEXT }], cells: [] }, ID);
  const [start = "", rest, ...more] = line.split(ID);
  const [middle = "", end, ...others] = rest?.split(JSON.stringify(TEXT)) ?? [];
  const isTold = more.length === 0 && end !== undefined && others.length === 0;
  return { before, role, pieces: isTold ? { start, middle, end } : null };
}
