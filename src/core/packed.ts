/** Prompts side by side as bytes, and what is made of them without a look at anything else. */

import { REQUEST_ID_BYTES } from "./chunk.ts";
import { writeContentHash } from "./hash.ts";
import type { LineForm } from "./line-form.ts";
import type { Prompt } from "./request.ts";

/** Texts of prompts, one after another. */
export interface PackedTexts {
  /** What stands before a prompt's text in the text whose hash is the request's identity, by the prompt's form. */
  readonly hashed: readonly string[];
  /** The form of each, by its place among the forms; {@link NO_FORM} for a prompt that is not here. */
  readonly form: Uint8Array;
  /** Where each ends in `bytes`. */
  readonly ends: Uint32Array;
  /** As UTF-8. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Stands for no form. */
export const NO_FORM = 255;

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
}

/** What packed texts come to, in their order; of a prompt that is not among them, an identity of zeros and no text. */
export interface Digested {
  /** {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array<ArrayBuffer>;
  /** Where each text ends in `bytes`. */
  readonly ends: Uint32Array<ArrayBuffer>;
  /** The texts as JSON. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Packed prompts with what was made of their texts. */
export interface PackedBlock extends KnownPrompts, Digested {
  readonly form: Uint8Array;
}

/** Where a packed request stands. */
export interface PackedPlace {
  readonly block: PackedBlock;
  readonly at: number;
}

/** The text of a packed request as JSON. */
export function jsonText({ block: { ends, bytes }, at }: PackedPlace): Uint8Array {
  return bytes.subarray(at === 0 ? 0 : ends[at - 1], ends[at]);
}

/** What packed texts come to; the same that a hash and JSON.stringify make of them one by one. */
export function digestTexts({ hashed, form, ends, bytes }: PackedTexts): Digested {
  const encoder = new TextEncoder();
  const shared = hashed.map((text) => encoder.encode(text));
  const ids = new Uint8Array(form.length * REQUEST_ID_BYTES);
  const json = jsonTexts(bytes.length + (bytes.length >> 3) + 2 * form.length);
  const jsonEnds = new Uint32Array(form.length);
  let hashing = new Uint8Array(1024);
  let written = NO_FORM;
  let from = 0;
  for (let at = 0; at < form.length; at++) {
    const own = shared[form[at] ?? NO_FORM];
    const end = ends[at] ?? from;
    if (own !== undefined) {
      const text = bytes.subarray(from, end);
      const hashedBytes = own.length + text.length;
      if (hashedBytes > hashing.length) [hashing, written] = [new Uint8Array(2 * hashedBytes), -1];
      if (written !== form[at]) hashing.set(own);
      written = form[at] ?? NO_FORM;
      hashing.set(text, own.length);
      writeContentHash(hashing.subarray(0, hashedBytes), ids, at * REQUEST_ID_BYTES);
      json.add(text);
    }
    jsonEnds[at] = json.end();
    from = end;
  }
  return { ids, ends: jsonEnds, bytes: json.bytes() };
}

const QUOTE = 34;
const BACKSLASH = 92;
const FIRST_PRINTABLE = 32;
// As in \u0001.
const MOST_ESCAPED_BYTES = 6;
// JSON.stringify is quicker for longer ones, byte for byte.
const LONG_TEXT_BYTES = 4096;

/** Texts as JSON, one after another. */
interface JsonTexts {
  add(text: Uint8Array<ArrayBuffer>): void;
  end(): number;
  bytes(): Uint8Array<ArrayBuffer>;
}

function jsonTexts(expectedBytes: number): JsonTexts {
  let bytes = Buffer.alloc(expectedBytes);
  let end = 0;
  const makeRoom = (most: number): void => {
    if (end + most <= bytes.length) return;
    const wider = Buffer.alloc(Math.max(2 * bytes.length, end + most));
    wider.set(bytes.subarray(0, end));
    bytes = wider;
  };
  return {
    add: (text) => {
      if (text.length <= LONG_TEXT_BYTES) {
        makeRoom(MOST_ESCAPED_BYTES * text.length + 2);
        end = writeJsonText(text, bytes, end);
        return;
      }
      // Bytes taken for characters: of those beyond ASCII none is escaped, so that all come back as they are.
      const { buffer, byteOffset, byteLength } = text;
      const json = JSON.stringify(Buffer.from(buffer, byteOffset, byteLength).toString("latin1"));
      makeRoom(json.length);
      end += bytes.write(json, end, "latin1");
    },
    end: () => end,
    bytes: () => bytes,
  };
}

/** Writes well-formed text as JSON.stringify does; gives where it ends. */
function writeJsonText(text: Uint8Array, target: Uint8Array, at: number): number {
  let end = at;
  target[end++] = QUOTE;
  // By place: going through the bytes themselves takes twice as long.
  let from = 0;
  while (from < text.length) {
    const byte = text[from++] ?? 0;
    if (STANDS_FOR_ITSELF[byte] === 1) target[end++] = byte;
    else for (const escaped of ESCAPES[byte] ?? []) target[end++] = escaped;
  }
  target[end++] = QUOTE;
  return end;
}

/** What JSON.stringify writes for the characters that cannot stand for themselves, by their code. */
const ESCAPES: readonly Uint8Array[] = Array.from({ length: BACKSLASH + 1 }, (_, code) =>
  new TextEncoder().encode(JSON.stringify(String.fromCharCode(code)).slice(1, -1)),
);

const STANDS_FOR_ITSELF = Uint8Array.from({ length: 256 }, (_, byte) =>
  byte >= FIRST_PRINTABLE && byte !== QUOTE && byte !== BACKSLASH ? 1 : 0,
);
