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

/** Packed prompts with the identities that were made of them. */
export interface PackedBlock extends KnownPrompts, Omit<PackedTexts, "hashed"> {
  /** {@link REQUEST_ID_BYTES} bytes each. */
  readonly ids: Uint8Array<ArrayBuffer>;
}

/** Where a packed request stands. */
export interface PackedPlace {
  readonly block: PackedBlock;
  readonly at: number;
}

/** The text of a packed request as UTF-8. */
export function packedText({ block: { ends, bytes }, at }: PackedPlace): Uint8Array {
  return bytes.subarray(at === 0 ? 0 : ends[at - 1], ends[at]);
}

/** The identities of packed texts in their order, {@link REQUEST_ID_BYTES} bytes each; zeros for a prompt that is not among them. */
export function digestTexts({ hashed, form, ends, bytes }: PackedTexts): Uint8Array<ArrayBuffer> {
  const encoder = new TextEncoder();
  const shared = hashed.map((text) => encoder.encode(text));
  const ids = new Uint8Array(form.length * REQUEST_ID_BYTES);
  let hashing = new Uint8Array(1024);
  let written = NO_FORM;
  let from = 0;
  for (let at = 0; at < form.length; at++) {
    const own = shared[form[at] ?? NO_FORM];
    const end = ends[at] ?? from;
    if (own !== undefined) {
      const hashedBytes = own.length + end - from;
      if (hashedBytes > hashing.length) [hashing, written] = [new Uint8Array(2 * hashedBytes), -1];
      if (written !== form[at]) hashing.set(own);
      written = form[at] ?? NO_FORM;
      hashing.set(bytes.subarray(from, end), own.length);
      writeContentHash(hashing.subarray(0, hashedBytes), ids, at * REQUEST_ID_BYTES);
    }
    from = end;
  }
  return ids;
}
