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

/** What lines have in common whose messages begin alike and end with a text. */
export interface LineForm {
  /** The messages before the last. */
  readonly before: readonly Message[];
  /** Of the last message. */
  readonly role: Message["role"];
  /** What stands before the id, between it and the text as JSON, and after that. */
  readonly start: string;
  readonly middle: string;
  readonly end: string;
}

/**
 * Finds the form of the line that asks some messages; null where the line is to be had from `encode` alone:
 * where pictures or documents are asked about, and where too many rows begin otherwise.
 *
 * Only for providers that declare `writesTextsAsJson`: each text then stands in the line once, as
 * JSON.stringify writes it, and decides nothing else.
 */
export function lineForms(
  encode: EncodeLine,
  spec: RequestSpec,
): (messages: readonly Message[]) => LineForm | null {
  let last: { readonly head: Head; readonly form: LineForm | null } | null = null;
  let forms = 0;
  return (messages) => {
    const { role, content } = messages.at(-1) ?? {};
    if (role === undefined || typeof content !== "string") return null;
    if (last?.head.role !== role || !beginsAlike(messages, last.head.before)) {
      if (forms >= MOST_FORMS) return null;
      forms += 1;
      const head = { before: messages.slice(0, -1), role };
      last = { head, form: formOf(head, (request, id) => encode({ ...spec, ...request }, id)) };
    }
    return last.form;
  };
}

/** The same lines as `encode` writes for requests that share their spec, mostly by their form, which saves most of the time. */
export function lineEncoder(encode: EncodeLine, spec: RequestSpec): EncodePrompt {
  const formOf = lineForms(encode, spec);
  return ({ messages, cells }, customId) => {
    const form = formOf(messages);
    const content = messages.at(-1)?.content;
    if (form === null || typeof content !== "string")
      return encode({ ...spec, messages, cells }, customId);
    return `${form.start}${customId}${form.middle}${JSON.stringify(content)}${form.end}`;
  };
}

type Head = Pick<LineForm, "before" | "role">;

/** The form of lines that begin so; null where the places of id and text cannot be told. */
function formOf(head: Head, encode: EncodePrompt): LineForm | null {
  const messages = [...head.before, { role: head.role, content: TEXT }];
  const line = encode({ messages, cells: [] }, ID);
  const [start = "", rest, ...more] = line.split(ID);
  const [middle = "", end, ...others] = rest?.split(JSON.stringify(TEXT)) ?? [];
  const isTold = more.length === 0 && end !== undefined && others.length === 0;
  return isTold ? { ...head, start, middle, end } : null;
}
