/** The objects of an emulated Cloud Storage: named bytes in buckets, every bucket existing. */
import { createReadStream } from "node:fs";
import { crc32c, crc32cText } from "./crc32c.ts";
import type { StoredFile } from "./file-store.ts";
import type { JsonObject } from "./json.ts";
import type { World } from "./world.ts";

/** Where an object is. */
export interface ObjectPlace {
  readonly bucket: string;
  readonly name: string;
}

/** The objects of one emulator. */
export interface GcsObjects {
  /** The object, or null. */
  find(place: ObjectPlace): GcsObject | null;
  /** Puts the file that was written at `path` in the place of whatever was there. */
  put(place: ObjectPlace, written: WrittenObject): Promise<GcsObject>;
  /** Removes an object; false when there was none. */
  remove(place: ObjectPlace): Promise<boolean>;
  /** The objects of a bucket whose names begin like this, in the order of their names. */
  list(bucket: string, prefix: string): readonly GcsObject[];
}

/** Bytes on disk that are to become an object. */
export interface WrittenObject {
  readonly path: string;
  readonly bytes: number;
  readonly contentType: string;
}

/** One object. */
export interface GcsObject extends ObjectPlace {
  readonly file: StoredFile;
  /** In base64. */
  readonly crc32c: string;
  readonly generation: string;
}

/** A Cloud Storage with nothing in it. */
export function createGcsObjects(world: World): GcsObjects {
  const objects = new Map<string, GcsObject>();
  return {
    find: (place) => objects.get(uriOf(place)) ?? null,
    async put(place, { path, bytes, contentType }) {
      const id = uriOf(place);
      const checksum = await checksumOf(path);
      await world.files.remove(id);
      const createdAtMs = world.nowMs();
      const about = { id, path, bytes, createdAtMs, expiresAtMs: null };
      const file = { ...about, filename: place.name, purpose: "gcs", mimeType: contentType };
      world.files.add(file);
      const object = { ...place, file, crc32c: checksum, generation: String(world.next("object")) };
      objects.set(id, object);
      return object;
    },
    async remove(place) {
      const id = uriOf(place);
      await world.files.remove(id);
      return objects.delete(id);
    },
    list: (bucket, prefix) =>
      [...objects.values()]
        .filter((object) => object.bucket === bucket && object.name.startsWith(prefix))
        .sort((a, b) => (a.name < b.name ? -1 : 1)),
  };
}

async function checksumOf(path: string): Promise<string> {
  let checksum = 0;
  for await (const piece of createReadStream(path)) checksum = crc32c(piece as Buffer, checksum);
  return crc32cText(checksum);
}

/** The `gs://bucket/name` of an object. */
export function uriOf({ bucket, name }: ObjectPlace): string {
  return `gs://${bucket}/${name}`;
}

/** The place a `gs://` address names; null when it is none. */
export function placeOfUri(uri: string): ObjectPlace | null {
  const [, bucket, name] = /^gs:\/\/([^/]+)\/(.+)$/s.exec(uri) ?? [];
  return bucket === undefined || name === undefined ? null : { bucket, name };
}

/** What Cloud Storage tells of an object. 64-bit numbers are texts. */
export function objectOnWire({ bucket, name, file, crc32c, generation }: GcsObject): JsonObject {
  const time = new Date(file.createdAtMs).toISOString();
  return {
    kind: "storage#object",
    id: `${bucket}/${name}/${generation}`,
    name,
    bucket,
    generation,
    metageneration: "1",
    contentType: file.mimeType ?? "application/octet-stream",
    storageClass: "STANDARD",
    size: String(file.bytes),
    crc32c,
    etag: `${generation}/1`,
    timeCreated: time,
    updated: time,
  };
}
