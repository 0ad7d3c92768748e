/** Content hashes: the identity of a request is what it says, nothing else. */

import { createHash, hash } from "node:crypto";

/** Any value JSON can hold, read-only. */
export type Json = string | number | boolean | null | readonly Json[] | JsonObject;

/** An object of JSON values; a member that is `undefined` counts as absent. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/**
 * JSON text in one form only: keys sorted by code unit, no spaces, members that are `undefined` left out.
 *
 * Two values that mean the same give the same text on every machine and in every version; the form is
 * part of the on-disk contract because request ids are hashes of it.
 */
export function canonicalJson(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = value as JsonObject;
  const parts: string[] = [];
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member !== undefined) parts.push(`${JSON.stringify(key)}:${canonicalJson(member)}`);
  }
  return `{${parts.join(",")}}`;
}

/** The first 128 bits of the SHA-256 of a text, as 32 hexadecimal digits. */
export function contentHash(text: string): string {
  return hash("sha256", text, "hex").slice(0, 32);
}

const HASH_BYTES = 16;

/** Writes the first 128 bits of the SHA-256 of some bytes: what {@link contentHash} gives of their text, as 16 bytes. */
export function writeContentHash(bytes: Uint8Array, target: Uint8Array, at: number): void {
  // As a string of bytes: a buffer of its own for each takes three times as long.
  const digest = hash("sha256", bytes, "binary");
  for (let byte = 0; byte < HASH_BYTES; byte++) target[at + byte] = digest.charCodeAt(byte);
}

/** A running content hash over many texts, in order; the boundaries between texts count. */
export interface RollingHash {
  add(text: string): void;
  /** 32 hexadecimal digits; nothing may be added afterwards. */
  digest(): string;
}

/** Starts a {@link RollingHash}. */
export function rollingHash(): RollingHash {
  const sum = createHash("sha256");
  return {
    add: (text) => {
      // The length goes first so that ["ab","c"] and ["a","bc"] differ.
      sum.update(`${String(text.length)}:`).update(text, "utf8");
    },
    digest: () => sum.digest("hex").slice(0, 32),
  };
}

/** The SHA-256 of bytes that come in pieces. */
export interface BytesHash {
  add(bytes: Uint8Array): void;
  /** 32 bytes; nothing may be added afterwards. */
  digest(): Uint8Array;
}

/** Starts a {@link BytesHash}. */
export function bytesHash(): BytesHash {
  const sum = createHash("sha256");
  return {
    add: (bytes) => {
      sum.update(bytes);
    },
    digest: () => sum.digest(),
  };
}
