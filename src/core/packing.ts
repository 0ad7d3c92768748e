/** Requests whose texts stand side by side as bytes: nothing is made for one of them until it is asked for. */

import { REQUEST_ID_BYTES } from "./chunk.ts";
import type { LineForm } from "./line-form.ts";
import {
  jsonText,
  NO_FORM,
  type Digested,
  type PackedBlock,
  type PackedForm,
  type PackedPlace,
  type PackedPrompts,
} from "./packed.ts";
import type { NewRequest } from "./plan.ts";
import type { Message, Prompt, RequestIdentity } from "./request.ts";

/** Puts prompts side by side. */
export interface Packer {
  /** Adds a prompt and gives its place, counted from 0. */
  add(prompt: Prompt): number;
  /** What was added since the last call. */
  take(): PackedPrompts;
}

// A UTF-16 code unit takes at most three bytes as UTF-8.
const MOST_BYTES_PER_UNIT = 3;
const FIRST_BYTES = 256 * 1024;
const FIRST_PLACES = 1024;
const ROOM_TO_SPARE = 1.1;

/** A packer of prompts, of which those are packed that `formOf` knows a form of. */
export function promptPacker(
  identity: RequestIdentity,
  formOf: (messages: readonly Message[]) => LineForm | null,
): Packer {
  const encoder = new TextEncoder();
  const places = new Map<LineForm, number>();
  const forms: PackedForm[] = [];
  const hashed: string[] = [];
  let bytes = new Uint8Array();
  let end = 0;
  let size = 0;
  let form = new Uint8Array(FIRST_PLACES);
  let ends = new Uint32Array(FIRST_PLACES);
  let characters = new Uint32Array(FIRST_PLACES);
  let apart = new Map<number, { id: string; prompt: Prompt }>();

  const placeOf = (found: LineForm): number => {
    const known = places.get(found);
    if (known !== undefined) return known;
    const form = packedAs(found);
    const place = form === null ? NO_FORM : forms.push(form) - 1;
    if (form !== null) hashed.push(identity.start(found.before, found.role));
    places.set(found, place);
    return place;
  };

  const write = (text: string): void => {
    const most = end + text.length * MOST_BYTES_PER_UNIT;
    if (most > bytes.length) {
      const wider = new Uint8Array(Math.max(FIRST_BYTES, 2 * bytes.length, most));
      wider.set(bytes.subarray(0, end));
      bytes = wider;
    }
    end += encoder.encodeInto(text, bytes.subarray(end)).written;
  };

  return {
    add: (prompt) => {
      if (size === form.length) {
        form = widened(form, new Uint8Array(2 * size));
        ends = widened(ends, new Uint32Array(2 * size));
        characters = widened(characters, new Uint32Array(2 * size));
      }
      const { messages } = prompt;
      const found = formOf(messages);
      const text = messages.at(-1)?.content;
      const isText = found !== null && typeof text === "string" && text.isWellFormed();
      const place = isText ? placeOf(found) : NO_FORM;
      if (isText && place !== NO_FORM) {
        write(text);
        characters[size] = text.length + (forms[place]?.characters ?? 0);
      } else apart.set(size, { id: identity.of(messages), prompt });
      form[size] = place;
      ends[size] = end;
      return size++;
    },
    take: () => {
      const texts = {
        hashed: [...hashed],
        form: form.slice(0, size),
        ends: ends.slice(0, size),
        bytes: bytes.subarray(0, end),
      };
      const packed = {
        texts,
        known: { forms, characters: characters.slice(0, size), apart },
      };
      // The next rows are about as long.
      bytes = new Uint8Array(Math.ceil(ROOM_TO_SPARE * end));
      [end, size] = [0, 0];
      apart = new Map();
      return packed;
    },
  };
}

function widened<T extends Uint8Array | Uint32Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** A form of packed prompts; null where a message before the last has pictures. */
function packedAs(found: LineForm): PackedForm | null {
  let characters = 0;
  for (const { content } of found.before) {
    if (typeof content !== "string") return null;
    characters += content.length;
  }
  return { ...found, characters };
}

/** Packed prompts with what was made of their texts. */
export function packedBlock({ texts, known }: PackedPrompts, digested: Digested): PackedBlock {
  const own = Buffer.from(digested.ids.buffer);
  for (const [at, { id }] of known.apart) own.write(id, at * REQUEST_ID_BYTES, "hex");
  return { ...known, form: texts.form, ...digested };
}

/** The request of a packed prompt that is met for the first time. */
export function newRequest(block: PackedBlock, at: number, ordinal: number): NewRequest {
  const apart = block.apart.get(at);
  return apart === undefined ? new PackedRequest(block, at, ordinal) : { ordinal, ...apart };
}

/** The identities of requests, {@link REQUEST_ID_BYTES} bytes each. */
export function identitiesOf(requests: readonly NewRequest[]): Uint8Array {
  const ids = Buffer.alloc(requests.length * REQUEST_ID_BYTES);
  for (const [at, fresh] of requests.entries()) writeIdentity(fresh, ids, at * REQUEST_ID_BYTES);
  return ids;
}

/** Writes a request's identity in {@link REQUEST_ID_BYTES} bytes. */
export function writeIdentity(fresh: NewRequest, target: Buffer, at: number): void {
  const { packed } = fresh;
  if (packed === undefined) {
    target.write(fresh.id, at, "hex");
    return;
  }
  const from = packed.at * REQUEST_ID_BYTES;
  const known = packed.block.ids;
  for (let byte = 0; byte < REQUEST_ID_BYTES; byte++) target[at + byte] = known[from + byte] ?? 0;
}

/** A class for its accessors: with a million of them, what each is made of is what planning costs. */
class PackedRequest implements NewRequest, PackedPlace {
  readonly block: PackedBlock;
  readonly at: number;
  readonly ordinal: number;

  constructor(block: PackedBlock, at: number, ordinal: number) {
    this.block = block;
    this.at = at;
    this.ordinal = ordinal;
  }

  get packed(): PackedPlace {
    return this;
  }

  get id(): string {
    const { ids } = this.block;
    return Buffer.from(ids.buffer, this.at * REQUEST_ID_BYTES, REQUEST_ID_BYTES).toString("hex");
  }

  get prompt(): Prompt {
    const { before, role } = packedForm(this);
    return { messages: [...before, { role, content: textAt(this) }], cells: [] };
  }
}

/** The form of a packed request. */
export function packedForm({ block, at }: PackedPlace): PackedForm {
  const form = block.forms[block.form[at] ?? NO_FORM];
  if (form === undefined) throw new RangeError(`there is no packed request ${String(at)}`);
  return form;
}

function textAt(place: PackedPlace): string {
  const { buffer, byteOffset, byteLength } = jsonText(place);
  return JSON.parse(Buffer.from(buffer, byteOffset, byteLength).toString("utf8")) as string;
}
