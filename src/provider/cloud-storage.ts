/** Objects in Cloud Storage, by their `gs://` addresses: uploaded from disk, listed, read as they arrive, deleted. */

import { EventEmitter, once } from "node:events";
import { createReadStream } from "node:fs";
import { addAbortSignal, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Bucket, File, Storage } from "@google-cloud/storage";
import { InputError, ProviderError } from "../core/errors.ts";
import { withMoreTries } from "./google-http.ts";
import type { GoogleIdentity } from "./google-identity.ts";
import { httpErrors, type ErrorReader } from "./http-errors.ts";
import { watchSilence, type Silence } from "./silence.ts";
import { incomplete, isMismatch, rethrowPlain, told } from "./storage-errors.ts";
import { storageLibrary } from "./storage-library.ts";

/** Where Cloud Storage is, and who asks. */
export interface CloudStorageOptions {
  /** Null for Google's own. */
  readonly url: string | null;
  /** Null where calls are made in nobody's name. */
  readonly identity: GoogleIdentity | null;
  /** How long a call may be without any sign of life; five minutes when left out. */
  readonly quietMs?: number;
}

/** Cloud Storage. What a call throws is a {@link ProviderError} without a token, or the abort. */
export interface CloudStorage {
  /** Uploads a file from disk, a piece in memory at a time, and checks it by its CRC32C. Made once, never repeated inside. */
  upload(file: UploadedFile, uri: string, signal: AbortSignal): Promise<void>;
  /** The addresses of the objects whose addresses begin like this, in alphabetical order. */
  list(prefix: string, signal: AbortSignal): Promise<readonly string[]>;
  /**
   * An object's bytes as they arrive.
   *
   * @throws {ProviderError} `download_incomplete` at the end of bytes that are not those of the object.
   */
  read(uri: string, signal: AbortSignal): AsyncGenerator<Uint8Array>;
  /** Deletes an object; one that is gone is what was wanted. */
  remove(uri: string, signal: AbortSignal): Promise<void>;
}

/** A file on this machine. */
export interface UploadedFile {
  readonly path: string;
  readonly bytes: number;
}

const OWN_HOST = "storage.googleapis.com";

// The library waits for ever; fetch, which the other providers are called by, waits as long as this.
const QUIET_MS = 300_000;

/** Cloud Storage at one address. The library is loaded at the first call. */
export function cloudStorage(options: CloudStorageOptions): CloudStorage {
  const { url, identity, quietMs = QUIET_MS } = options;
  const host = url === null ? OWN_HOST : new URL(url).host;
  const errors = httpErrors(host, identity?.secrets ?? []);
  let opened: Promise<Opened> | undefined;
  const ready = async (): Promise<Storage> => {
    const { storage, sign } = await (opened ??= open(options));
    await sign();
    return storage;
  };
  const calling = async <T>(call: Call, act: (watched: Watched) => Promise<T>): Promise<T> => {
    const silence = watchSilence(quietMs);
    const signal = AbortSignal.any([call.signal, silence.signal]);
    try {
      return await unlessAborted(signal, act({ storage: await ready(), silence, signal }));
    } catch (caught) {
      throw call.signal.aborted ? caught : told(errors, call.action, heardOf(silence, caught));
    } finally {
      silence.pause();
    }
  };
  const repeating = <T>(call: Call, act: (storage: Storage) => Promise<T>): Promise<T> =>
    calling(call, ({ storage, signal }) =>
      withMoreTries(signal, () => act(storage).catch(rethrowPlain)),
    );
  return {
    upload: (file, uri, signal) =>
      calling({ action: "upload", signal }, (watched) => upload(watched, file, uri)),
    list: (prefix, signal) =>
      repeating({ action: "list the objects", signal }, (storage) => list(storage, prefix)),
    read: (uri, signal) => read({ uri, signal, ready, errors, quietMs }),
    remove: (uri, signal) =>
      repeating({ action: "delete an object", signal }, async (storage) => {
        await fileAt(storage, uri).delete({ ignoreNotFound: true });
      }),
  };
}

interface Call {
  /** Completes "could not …". */
  readonly action: string;
  readonly signal: AbortSignal;
}

/** What a call is made with: its signal fires when the caller gives up, and when nothing is heard any more. */
interface Watched {
  readonly storage: Storage;
  readonly silence: Silence;
  readonly signal: AbortSignal;
}

/** What was caught, or the silence that brought it about. */
function heardOf({ signal }: Silence, caught: unknown): unknown {
  return signal.aborted ? signal.reason : caught;
}

interface Opened {
  readonly storage: Storage;
  /** Makes the next calls carry a token that is still good. */
  readonly sign: () => Promise<void>;
}

type Intercepted = ReturnType<Storage["interceptors"][number]["request"]>;

async function open({ url, identity }: CloudStorageOptions): Promise<Opened> {
  const { Storage } = await storageLibrary();
  // Whether to call again is decided outside, where it is known what a call costs.
  const retryOptions = { autoRetry: false };
  if (url === null) {
    const authClient = await identity?.client?.();
    const storage = new Storage({
      retryOptions,
      ...(authClient === undefined ? {} : { authClient }),
    });
    return { storage, sign: () => Promise.resolve() };
  }
  // Where its own variable names an address, the library takes it from there and from nowhere else.
  const apiEndpoint = storageEmulatorHost() === null ? { apiEndpoint: url } : {};
  const storage = new Storage({ retryOptions, ...apiEndpoint });
  let headers: Readonly<Record<string, string>> = {};
  // The library names nobody at addresses that are not Google's, uploads least of all: it is done here.
  storage.interceptors.push({
    request: (call) => {
      call.headers = { ...call.headers, ...headers };
      return call as Intercepted;
    },
  });
  return {
    storage,
    sign: async () => {
      if (identity !== null) headers = { authorization: `Bearer ${await identity.token()}` };
    },
  };
}

/**
 * The address in STORAGE_EMULATOR_HOST, which the library reads by itself; null when it is not set.
 *
 * @throws {InputError} `base_url_invalid`; nothing was sent.
 */
export function storageEmulatorHost(): string | null {
  const url = process.env["STORAGE_EMULATOR_HOST"]?.trim() ?? "";
  if (url === "") return null;
  if (URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)) return url;
  throw new InputError(
    "base_url_invalid",
    `STORAGE_EMULATOR_HOST, ${JSON.stringify(url)}, is not an http or https address. Nothing was sent.`,
    { hint: "Set it to one like http://127.0.0.1:4443, or unset it." },
  );
}

const ADDRESS = /^gs:\/\/([^/]+)\/(.*)$/s;

function placeOf(uri: string): { readonly bucket: string; readonly name: string } {
  const [, bucket, name] = ADDRESS.exec(uri) ?? [];
  if (bucket !== undefined && name !== undefined) return { bucket, name };
  throw new ProviderError(
    "provider_refused",
    `${JSON.stringify(uri)} is no address in Cloud Storage. Nothing was bought by this call.`,
  );
}

function bucketOf(storage: Storage, uri: string): Bucket {
  return storage.bucket(placeOf(uri).bucket);
}

function fileAt(storage: Storage, uri: string): File {
  return bucketOf(storage, uri).file(placeOf(uri).name);
}

async function upload(
  { storage, silence, signal }: Watched,
  file: UploadedFile,
  uri: string,
): Promise<void> {
  const metadata = { contentType: "application/jsonl", contentLength: file.bytes };
  const target = fileAt(storage, uri).createWriteStream({
    resumable: true,
    validation: "crc32c",
    metadata,
  });
  const source = createReadStream(file.path);
  source.on("data", silence.heard);
  await pipeline(source, target, { signal });
}

async function list(storage: Storage, prefix: string): Promise<readonly string[]> {
  const { bucket, name } = placeOf(prefix);
  const [files] = await storage.bucket(bucket).getFiles({ prefix: name });
  return files.map((file) => `gs://${bucket}/${file.name}`).toSorted();
}

interface Reading {
  readonly uri: string;
  readonly signal: AbortSignal;
  readonly ready: () => Promise<Storage>;
  readonly errors: ErrorReader;
  readonly quietMs: number;
}

async function* read(reading: Reading): AsyncGenerator<Uint8Array> {
  const { uri, signal, ready, errors, quietMs } = reading;
  const silence = watchSilence(quietMs);
  try {
    const storage = await ready();
    signal.throwIfAborted();
    // The library compares length and CRC32C once the last byte has come.
    const stream: Readable = fileAt(storage, uri).createReadStream({ validation: "crc32c" });
    const either = AbortSignal.any([signal, silence.signal]);
    await responded(stream, either);
    for await (const piece of addAbortSignal(either, stream)) {
      // Whoever reads may take their time.
      silence.pause();
      yield piece as Uint8Array;
      silence.heard();
    }
  } catch (caught) {
    if (signal.aborted) throw caught;
    throw isMismatch(caught)
      ? incomplete(uri)
      : told(errors, "download a result file", heardOf(silence, caught));
  } finally {
    silence.pause();
  }
}

/**
 * Asks for the bytes of a stream and waits until they begin to come.
 *
 * A stream that is destroyed before makes the library throw where nobody can catch it, so one that
 * is given up is left alone until then.
 */
async function responded(stream: Readable, signal: AbortSignal): Promise<void> {
  stream.on("error", () => undefined);
  stream.once("response", withRoomForListeners);
  const response = once(stream, "response");
  stream.read(0);
  try {
    await unlessAborted(signal, response);
  } catch (caught) {
    const leave = (): void => void stream.destroy();
    response.then(leave, leave);
    throw caught;
  }
}

/** The library listens to a response eleven times, one more than Node takes for a leak and warns of. */
function withRoomForListeners(response: unknown): void {
  if (response instanceof EventEmitter) response.setMaxListeners(16);
}

/** What `promise` comes to; rejects at once when the signal fires, for calls that cannot be stopped. */
async function unlessAborted<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const stop = (): void => {
    reject(signal.reason as Error);
  };
  if (signal.aborted) stop();
  signal.addEventListener("abort", stop, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener("abort", stop);
  }
}
