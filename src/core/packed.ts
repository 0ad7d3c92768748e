/** Prompts side by side as bytes, and what is made of them without a look at anything else: in any thread. */

import { REQUEST_ID_BYTES } from "./chunk.ts";
import { writeContentHash } from "./hash.ts";
import type { LineForm } from "./line-form.ts";
import type { Prompt } from "./request.ts";

/** What requests of one form share, as texts. */
export interface SharedTexts {
  /** What stands before the prompt's text in the text whose hash is the request's identity. */
  readonly hashed: string;
  /** What stands in the request's line between its id and the text as JSON, and after that. */
  readonly middle: string;
  readonly end: string;
}

/** Texts of prompts, one after another. */
export interface PackedTexts {
  readonly forms: readonly SharedTexts[];
  /** The form of each, by its place among the forms; {@link NO_FORM} for a prompt that is not here. */
  readonly form: Uint8Array;
  /** Where each ends in `bytes`. */
  readonly ends: Uint32Array;
  /** As UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Stands for no form. */
export const NO_FORM = 255;

/** What packed texts come to, in their order; of a prompt that is not among them, an identity of zeros and no line. */
export interface PackedLines {
  /** The identities of the requests, {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** Where each line ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** The lines that ask, each from where its id ends, without a line feed. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Prompts that were put side by side, and what is known of them besides. */
export interface PackedPrompts {
  readonly texts: PackedTexts;
  readonly known: KnownPrompts;
}

/** What is known of packed prompts, by their place. */
export interface KnownPrompts {
  readonly forms: readonly PackedForm[];
  /** How long all messages of each prompt are, in UTF-16 code units. */
  readonly characters: Uint32Array;
  /** Prompts that have no form, with their identities. */
  readonly apart: ReadonlyMap<number, { readonly id: string; readonly prompt: Prompt }>;
}

/** A form that packed prompts have. */
export interface PackedForm extends LineForm {
  /** How long the messages before the last are, in UTF-16 code units. */
  readonly characters: number;
  readonly shared: SharedTexts;
}

/** Packed prompts with the identities and lines that were made of them. */
export interface PackedBlock extends KnownPrompts {
  readonly form: Uint8Array;
  readonly lines: PackedLines;
}

/** Where a packed request stands. */
export interface PackedPlace {
  readonly block: PackedBlock;
  readonly at: number;
}

const QUOTE = 34;
const BACKSLASH = 92;
const FIRST_PRINTABLE = 32;
// As in \u0001.
const MOST_ESCAPED_BYTES = 6;

/** The identities and lines of packed texts; the same ones that go through JSON.stringify and a hash one by one. */
export function digestTexts({ forms, form, ends, bytes }: PackedTexts): PackedLines {
  const encoder = new TextEncoder();
  const shared = forms.map(({ hashed, middle, end }) => ({
    hashed: encoder.encode(hashed),
    middle: encoder.encode(middle),
    end: encoder.encode(end),
  }));
  const count = form.length;
  const ids = new Uint8Array(count * REQUEST_ID_BYTES);
  const lineEnds = new Uint32Array(count);
  const around = Math.max(0, ...shared.map(({ middle, end }) => middle.length + end.length));
  let lines = new Uint8Array(count * (around + 8) + bytes.length + (bytes.length >> 3));
  let hashing = new Uint8Array(1024);
  let [end, written] = [0, NO_FORM];
  for (let at = 0; at < count; at++) {
    const own = shared[form[at] ?? NO_FORM];
    if (own !== undefined) {
      const text = bytes.subarray(at === 0 ? 0 : ends[at - 1], ends[at]);
      const hashedBytes = own.hashed.length + text.length;
      if (hashedBytes > hashing.length) [hashing, written] = [new Uint8Array(2 * hashedBytes), -1];
      if (written !== form[at]) hashing.set(own.hashed);
      written = form[at] ?? NO_FORM;
      hashing.set(text, own.hashed.length);
      writeContentHash(hashing.subarray(0, hashedBytes), ids, at * REQUEST_ID_BYTES);
      const most = own.middle.length + own.end.length + MOST_ESCAPED_BYTES * text.length + 2;
      if (end + most > lines.length) lines = widened(lines, end, most);
      lines.set(own.middle, end);
      end = writeJsonText(text, lines, end + own.middle.length);
      lines.set(own.end, end);
      end += own.end.length;
    }
    lineEnds[at] = end;
  }
  return { ids, ends: lineEnds, bytes: lines };
}

function widened(bytes: Uint8Array, used: number, by: number): Uint8Array<ArrayBuffer> {
  const wider = new Uint8Array(Math.max(2 * bytes.length, used + by));
  wider.set(bytes.subarray(0, used));
  return wider;
}

/** Writes well-formed text as JSON.stringify does; gives where it ends. */
function writeJsonText(text: Uint8Array, target: Uint8Array, at: number): number {
  let end = at;
  target[end++] = QUOTE;
  for (const byte of text) {
    if (byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH) target[end++] = byte;
    else for (const escaped of ESCAPES[byte] ?? []) target[end++] = escaped;
  }
  target[end++] = QUOTE;
  return end;
}

/** What JSON.stringify writes for the characters that cannot stand for themselves, by their code. */
const ESCAPES: readonly Uint8Array[] = Array.from({ length: BACKSLASH + 1 }, (_, code) =>
  new TextEncoder().encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);
