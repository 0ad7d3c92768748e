/** Large objects, sent in parts: the object is there once all of them are, and not before. */

import { createReadStream } from "node:fs";
import type * as Library from "@aws-sdk/client-s3";

/** The library of storage, and a client of it. */
export interface Opened {
  readonly library: typeof Library;
  readonly client: Library.S3Client;
}

/** The status that storage answered with; undefined where it did not answer. */
export function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } } | null)?.$metadata;
  return metadata?.httpStatusCode;
}

/** How one object's calls are made: each again by itself where it fails. */
export interface ObjectCalls {
  readonly call: <T>(act: (s3: Opened) => Promise<T>) => Promise<T>;
  readonly at: { readonly Bucket: string; readonly Key: string };
}

/** A file to send. */
export interface LargeFile {
  readonly path: string;
  readonly size: number;
  readonly partBytes: number;
  /** Ends the sending between two parts. */
  readonly signal?: AbortSignal;
}

// Storage numbers parts up to this.
const MOST_PARTS = 10_000;

/**
 * Sends a file in parts. What cannot be sent to its end is taken back, so that nothing of it stays in the
 * storage, seen or charged for; only a process that is killed leaves its parts behind, which are no object.
 */
export async function putInParts(calls: ObjectCalls, file: LargeFile): Promise<void> {
  const { at } = calls;
  const upload = await calls.call(async ({ client, library }) => {
    const made = await client.send(new library.CreateMultipartUploadCommand(at));
    if (made.UploadId === undefined) throw new Error("the storage gave the upload no id");
    return { ...at, UploadId: made.UploadId };
  });
  try {
    const parts = await sentParts(calls, upload, file);
    await calls.call(async ({ client, library }) => {
      const MultipartUpload = { Parts: parts };
      try {
        await client.send(
          new library.CompleteMultipartUploadCommand({ ...upload, MultipartUpload }),
        );
      } catch (error) {
        // Done before, and the answer was lost: the upload is gone then, and the object there.
        if (statusOf(error) !== 404) throw error;
        const head = await client.send(new library.HeadObjectCommand(at));
        if (head.ContentLength !== file.size) throw error;
      }
    });
  } catch (error) {
    await calls
      .call(async ({ client, library }) => {
        await client.send(new library.AbortMultipartUploadCommand(upload));
      })
      // What went wrong first is what is told.
      .catch(() => undefined);
    throw error;
  }
}

interface Upload {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string;
}

interface SentPart {
  readonly PartNumber: number;
  readonly ETag: string;
}

async function sentParts(
  { call }: ObjectCalls,
  upload: Upload,
  { path, size, partBytes, signal }: LargeFile,
): Promise<SentPart[]> {
  const each = Math.max(partBytes, Math.ceil(size / MOST_PARTS));
  const parts: SentPart[] = [];
  for (let start = 0; start < size; start += each) {
    signal?.throwIfAborted();
    const end = Math.min(size, start + each) - 1;
    const PartNumber = parts.length + 1;
    const part = { ...upload, PartNumber, ContentLength: end - start + 1 };
    const { ETag = "" } = await call(async ({ client, library }) => {
      const Body = createReadStream(path, { start, end });
      try {
        return await client.send(new library.UploadPartCommand({ ...part, Body }));
      } finally {
        Body.destroy();
      }
    });
    parts.push({ PartNumber, ETag });
  }
  return parts;
}
