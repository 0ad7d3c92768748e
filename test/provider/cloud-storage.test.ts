import { writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { ProviderError } from "../../src/core/errors.ts";
import { cloudStorage, type CloudStorage } from "../../src/provider/cloud-storage.ts";
import { newFolder } from "../frame/support.ts";

const NEVER = new AbortController().signal;

/** Cloud Storage whose service answers every call as told. */
async function storageOf(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  quietMs = 50,
): Promise<CloudStorage> {
  const server = createServer(answer);
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, "127.0.0.1", () => {
    resolve(undefined);
  });
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}`;
  return cloudStorage({ url, identity: null, quietMs });
}

async function failure(act: () => Promise<unknown>): Promise<ProviderError> {
  const error = await act().catch((thrown: unknown) => thrown);
  if (error instanceof ProviderError) return error;
  throw new Error(`Not a ProviderError: ${String(error)}`);
}

// Long enough for a piece to come through on a machine that is busy with other tests.
const PATIENT_MS = 1000;

const silent = { code: "provider_unreachable", retryable: true };

describe("a call on which nothing comes any more", () => {
  it("is given up where the service never answers", async () => {
    const storage = await storageOf((request) => {
      request.resume();
    });
    const path = join(await newFolder(), "x");
    await writeFile(path, "{}\n");
    const error = await failure(() => storage.upload({ path, bytes: 3 }, "gs://b/x", NEVER));
    expect(error).toMatchObject(silent);
    expect(error.message).toContain("Nothing came for 0.05 s.");
    expect(await failure(() => storage.remove("gs://b/x", NEVER))).toMatchObject(silent);
    expect(await failure(() => storage.list("gs://b/x", NEVER))).toMatchObject(silent);
    const reading = (): Promise<unknown> => Array.fromAsync(storage.read("gs://b/x", NEVER));
    expect(await failure(reading)).toMatchObject(silent);
  });

  it("is not given up while whoever reads takes their time", async () => {
    const whole = Buffer.alloc(1024 * 1024, "a");
    const storage = await storageOf((_request, response) => {
      response.end(whole);
    }, PATIENT_MS);
    let bytes = 0;
    for await (const piece of storage.read("gs://b/x", NEVER)) {
      if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 1.5 * PATIENT_MS));
      bytes += piece.byteLength;
    }
    expect(bytes).toBe(whole.length);
  });

  it("is given up in the middle of a download", async () => {
    const storage = await storageOf((_request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("a piece");
    }, PATIENT_MS);
    const pieces: string[] = [];
    const error = await failure(async () => {
      for await (const piece of storage.read("gs://b/x", NEVER)) {
        pieces.push(Buffer.from(piece).toString());
      }
    });
    expect(error).toMatchObject(silent);
    expect(pieces).toEqual(["a piece"]);
  });
});

it.each(["at once", "with an error"])(
  "leaves nothing behind that throws when an answer comes after its call was given up (%s)",
  async (how) => {
    const open: (() => void)[] = [];
    const storage = await storageOf((request, response) => {
      request.resume();
      open.push(() => {
        response.statusCode = how === "at once" ? 200 : 503;
        response.setHeader("location", `http://${request.headers.host ?? ""}/late`);
        response.end("{}");
      });
    }, 60_000);
    const path = join(await newFolder(), "x");
    await writeFile(path, "{}\n");
    const stop = new AbortController();
    const calls = [
      storage.upload({ path, bytes: 3 }, "gs://b/x", stop.signal),
      storage.remove("gs://b/x", stop.signal),
      Array.fromAsync(storage.read("gs://b/x", stop.signal)),
    ].map((call) => call.catch((thrown: unknown) => thrown));
    while (open.length < calls.length) await new Promise((resolve) => setTimeout(resolve, 2));
    stop.abort();
    for (const error of await Promise.all(calls)) {
      expect(error).toBeInstanceOf(Error);
      expect(error).not.toBeInstanceOf(ProviderError);
    }
    // What is thrown now fails this file of tests, since nobody catches it.
    for (const answer of open) answer();
    await new Promise((resolve) => setTimeout(resolve, 100));
  },
);

it("refuses an address that is none in Cloud Storage", async () => {
  const storage = await storageOf(() => undefined);
  expect(await failure(() => storage.remove("s3://b/x", NEVER))).toMatchObject({
    code: "provider_refused",
  });
  expect(await failure(() => storage.list("gs://b", NEVER))).toMatchObject({
    code: "provider_refused",
  });
});
