/** Objects in storage that speaks the S3 protocol, whoever runs it. */

import { randomBytes } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { mkdir, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type * as Library from "@aws-sdk/client-s3";
import { InputError, StoreError } from "../core/errors.ts";
import { assertPackage, type PackageNeed } from "../core/needed-package.ts";
import type { ObjectEntry, Objects } from "./objects.ts";
import { putInParts, statusOf, type Opened } from "./s3-parts.ts";

const PACKAGE = "@aws-sdk/client-s3";

/** Where objects are: a bucket, and what all keys in it begin with. */
export interface S3Address {
  readonly bucket: string;
  /** Empty, or with a `/` at its end. */
  readonly prefix: string;
}

/** The bucket and the prefix of an address. @throws {InputError} `data_invalid` */
export function s3Address(url: string): S3Address {
  const match = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(url);
  const [, bucket = "", path = ""] = match ?? [];
  if (match === null)
    throw new InputError(
      "data_invalid",
      `${url} is no address in object storage. Nothing was sent.`,
      {
        hint: "Give it as s3://bucket/folder.",
      },
    );
  return { bucket, prefix: path === "" || path.endsWith("/") ? path : `${path}/` };
}

/**
 * Checks that the library is there, without loading it.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export function assertS3Library(
  resolve: PackageNeed["resolve"] = createRequire(import.meta.url).resolve,
): void {
  assertPackage(PACKAGE, { what: "Object storage is spoken to", resolve });
}

/** How storage is called. */
export interface S3Options {
  /** How often a call that failed is made again; 8 when left out. Waits double from a tenth of a second. */
  readonly retries?: number;
  /** Larger files go in parts of so many bytes; 64 MiB when left out, and more where there would be too many. */
  readonly partBytes?: number;
}

// Storage takes 5 GB at once at most, and a part that fails is sent again by itself.
const PART_BYTES = 64 * 1024 * 1024;

/**
 * The objects below an address. Credentials, region and another server's address come from the
 * environment (`AWS_ACCESS_KEY_ID`, `AWS_REGION`, `AWS_ENDPOINT_URL_S3` and the like). The library is loaded at
 * the first call.
 */
export function s3Objects(
  url: string,
  { retries = 8, partBytes = PART_BYTES }: S3Options = {},
): Objects {
  const { bucket, prefix } = s3Address(url);
  assertS3Library();
  let opened: Promise<Opened> | undefined;
  const call = async <T>(what: string, act: (s3: Opened) => Promise<T>): Promise<T> => {
    const s3 = await (opened ??= openClient());
    for (let tries = 0; ; tries += 1) {
      try {
        return await act(s3);
      } catch (error) {
        if (isFinal(error) || tries >= retries)
          throw s3Error(error, { what: `${what} of ${url}`, bucket });
        await sleep(Math.min(5000, 100 * 2 ** tries));
      }
    }
  };
  const at = (key: string): { readonly Bucket: string; readonly Key: string } => ({
    Bucket: bucket,
    Key: `${prefix}${key}`,
  });
  return {
    url,
    put: async (key, path, signal) => {
      const { size } = await stat(path);
      if (size > partBytes) {
        const calls = { call: <T>(act: (s3: Opened) => Promise<T>) => call(key, act), at: at(key) };
        await putInParts(calls, {
          path,
          size,
          partBytes,
          ...(signal === undefined ? {} : { signal }),
        });
        return;
      }
      await call(key, async ({ client, library }) => {
        // Read anew at each try: a stream that was cut off cannot be sent again.
        const Body = createReadStream(path);
        try {
          await client.send(
            new library.PutObjectCommand({ ...at(key), Body, ContentLength: size }),
          );
        } finally {
          Body.destroy();
        }
      });
    },
    fetch: (key, path) => call(key, (s3) => fetchWhole(s3, at(key), path)),
    bytes: (key) =>
      call(key, async ({ client, library }) => {
        try {
          const head = await client.send(new library.HeadObjectCommand(at(key)));
          return head.ContentLength ?? 0;
        } catch (error) {
          if (statusOf(error) === 404) return null;
          throw error;
        }
      }),
    list: (inner) => call("the list", (s3) => listed(s3, { bucket, prefix, inner })),
    remove: async (keys) => {
      for (const key of keys)
        await call(key, async ({ client, library }) => {
          await client.send(new library.DeleteObjectCommand(at(key)));
        });
    },
    [Symbol.asyncDispose]: async () => {
      (await opened)?.client.destroy();
    },
  };
}

const quiet = (): void => undefined;
const SILENT = { debug: quiet, info: quiet, warn: quiet, error: quiet };

async function openClient(): Promise<Opened> {
  const library = await import("@aws-sdk/client-s3");
  const ownServer = process.env["AWS_ENDPOINT_URL_S3"] ?? process.env["AWS_ENDPOINT_URL"];
  const client = new library.S3Client({
    // Tries are made here, where a file can be read anew; of each that fails the library would tell.
    maxAttempts: 1,
    logger: SILENT,
    ...(process.env["AWS_REGION"] === undefined ? { region: "us-east-1" } : {}),
    // A server of one's own seldom has a name for each bucket, nor the newest checksums.
    ...(ownServer === undefined
      ? {}
      : {
          forcePathStyle: true,
          requestChecksumCalculation: "WHEN_REQUIRED",
          responseChecksumValidation: "WHEN_REQUIRED",
        }),
  });
  return { library, client };
}

/** Copies an object to a file, which gets its name once it is as long as the storage says the object is. */
async function fetchWhole(
  { client, library }: Opened,
  at: { readonly Bucket: string; readonly Key: string },
  path: string,
): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const found = await client.send(new library.GetObjectCommand(at));
  const unfinished = `${path}.${randomBytes(4).toString("hex")}.part`;
  try {
    await pipeline(found.Body as Readable, createWriteStream(unfinished));
    const { size } = await stat(unfinished);
    if (found.ContentLength !== undefined && size !== found.ContentLength)
      throw new Error(`${String(size)} of ${String(found.ContentLength)} bytes came`);
    await rename(unfinished, path);
  } catch (error) {
    await rm(unfinished, { force: true });
    throw error;
  }
}

async function listed(
  { client, library }: Opened,
  { bucket, prefix, inner }: S3Address & { readonly inner: string },
): Promise<readonly ObjectEntry[]> {
  const found: ObjectEntry[] = [];
  for (let token: string | undefined; ;) {
    const page: Library.ListObjectsV2CommandOutput = await client.send(
      new library.ListObjectsV2Command({
        Bucket: bucket,
        Prefix: `${prefix}${inner}`,
        ...(token === undefined ? {} : { ContinuationToken: token }),
      }),
    );
    for (const { Key = "", Size = 0, ETag = "" } of page.Contents ?? [])
      // Folders that some programs mark by an empty object are no data.
      if (!Key.endsWith("/"))
        found.push({
          key: Key.slice(prefix.length),
          bytes: Size,
          version: `${ETag}-${String(Size)}`,
        });
    token = page.NextContinuationToken;
    if (token === undefined) return found.sort((a, b) => (a.key < b.key ? -1 : 1));
  }
}

/** Whether trying again cannot help: the storage has answered, and says no. */
function isFinal(error: unknown): boolean {
  const status = statusOf(error) ?? 0;
  const isNo = status >= 400 && status < 500 && status !== 408 && status !== 429;
  return isNo || (error instanceof Error && error.name === "CredentialsProviderError");
}

function s3Error(
  error: unknown,
  { what, bucket }: { readonly what: string; readonly bucket: string },
): StoreError {
  const said = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (error instanceof Error && error.name === "NoSuchBucket")
    return new StoreError(
      "object_missing",
      `There is no bucket ${bucket} there, so ${what} is not either. No money was spent.`,
      { hint: "Make the bucket, or check its name and AWS_ENDPOINT_URL_S3.", cause: error },
    );
  if (statusOf(error) === 404)
    return new StoreError("object_missing", `${what} is missing. No money was spent.`, {
      hint: "Restore the shared data from a copy.",
      cause: error,
    });
  if (isFinal(error))
    return new StoreError("data_refused", `${what} is refused (${said}). Nothing more was sent.`, {
      hint: "Check the bucket, and the key in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.",
      cause: error,
    });
  return new StoreError(
    "data_unreachable",
    `${what} cannot be reached (${said}). What was recorded is kept.`,
    { hint: "Workers wait and try again by themselves.", cause: error },
  );
}
