/** Pictures and documents that rows carry: a cell becomes a part of a message. */

import type { Cell } from "./column.ts";
import type { Part } from "./request.ts";

/** A part that is not text. */
export type Attachment = Exclude<Part, { readonly type: "text" }>;

/**
 * The picture or document a cell stands for: bytes, a `data:` address, or an `http(s):`, `gs:` or `s3:`
 * address that the provider itself fetches; null for a cell that is none of these.
 *
 * The type of bytes is read from their first few (PNG, JPEG, GIF, WebP, PDF); bytes of another type
 * are none. Files of this machine are never opened: a cell is data, and may come from anybody.
 */
export function attachmentOf(type: Attachment["type"], cell: Cell): Attachment | null {
  if (cell instanceof Uint8Array) {
    const mediaType = mediaTypeOf(cell);
    if (mediaType === null) return null;
    const bytes = Buffer.from(cell.buffer, cell.byteOffset, cell.byteLength);
    return { type, data: bytes.toString("base64"), mediaType };
  }
  if (typeof cell !== "string") return null;
  const address = cell.trim();
  const [, mediaType, data] = DATA_ADDRESS.exec(address) ?? [];
  if (mediaType !== undefined && data !== undefined) return { type, data, mediaType };
  return ADDRESS.test(address) ? { type, url: address } : null;
}

const DATA_ADDRESS = /^data:([a-z]+\/[a-z0-9.+-]+);base64,([A-Za-z0-9+/]+={0,2})$/i;
const ADDRESS = /^(?:https?|gs|s3):\/\/\S+$/i;

const SIGNATURES: readonly (readonly [mediaType: string, bytes: readonly number[], at: number])[] =
  [
    ["image/png", [0x89, 0x50, 0x4e, 0x47], 0],
    ["image/jpeg", [0xff, 0xd8, 0xff], 0],
    ["image/gif", [0x47, 0x49, 0x46, 0x38], 0],
    // A RIFF file whose form is WEBP.
    ["image/webp", [0x57, 0x45, 0x42, 0x50], 8],
    ["application/pdf", [0x25, 0x50, 0x44, 0x46], 0],
  ];

function mediaTypeOf(bytes: Uint8Array): string | null {
  const fits = ([, signature, at]: (typeof SIGNATURES)[number]): boolean =>
    signature.every((byte, index) => bytes[at + index] === byte);
  return SIGNATURES.find(fits)?.[0] ?? null;
}
