import { randomBytes } from "node:crypto";
import { createReadStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { Storage } from "@google-cloud/storage";
import { describe, expect, it, vi } from "vitest";
import { newFolder } from "../frame/support.ts";
import { storageOf, vertexStage } from "./vertex-drive.ts";

const PIECE = 256 * 1024;

describe("Cloud Storage, to its official client", () => {
  it("takes an object in one stream, describes it, gives it back and deletes it", async () => {
    const { storage, emulator } = await vertexStage();
    const bytes = randomBytes(3 * PIECE + 17);
    const path = join(await newFolder(), "bytes");
    await writeFile(path, bytes);
    const file = storage.bucket("b").file("a folder/ö.jsonl");
    const metadata = { contentType: "application/jsonl" };
    await pipeline(createReadStream(path), file.createWriteStream({ resumable: true, metadata }));
    const [about] = await file.getMetadata();
    expect(about).toMatchObject({
      name: "a folder/ö.jsonl",
      bucket: "b",
      size: String(bytes.length),
      contentType: "application/jsonl",
    });
    const [read] = await file.download({ validation: "crc32c" });
    expect(read.equals(bytes)).toBe(true);
    await file.delete();
    expect(await file.exists()).toEqual([false]);
    await expect(file.delete()).rejects.toMatchObject({ code: 404 });
    expect(emulator.stats()).toMatchObject({ uploads: 1, downloads: 1, fileDeletions: 1 });
  });

  it("takes an object in pieces, each but the last a multiple of 256 KiB", async () => {
    const { storage, emulator } = await vertexStage();
    const bytes = randomBytes(2 * PIECE + 5);
    const file = storage.bucket("b").file("pieces");
    await file.save(bytes, { resumable: true, chunkSize: PIECE });
    expect((await file.download())[0].equals(bytes)).toBe(true);
    expect(emulator.stats().calls).toMatchObject({
      "POST /b/{bucket}/o": 1,
      "PUT /b/{bucket}/o": 3,
    });
    expect(emulator.stats().uploads).toBe(1);
  });

  it("takes a small object in one call, and puts it in the place of the one before", async () => {
    const { storage } = await vertexStage();
    const file = storage.bucket("b").file("small");
    for (const text of ["first\r\n--x", ""]) {
      await file.save(text, { resumable: false });
      expect((await file.download())[0].toString()).toBe(text);
    }
  });

  it("lists the objects that begin alike, in order and over pages", async () => {
    const { storage } = await vertexStage();
    const bucket = storage.bucket("b");
    for (const name of ["out/3", "out/1", "other/1", "out/2"])
      await bucket.file(name).save("x", { resumable: false });
    await storage.bucket("c").file("out/4").save("x", { resumable: false });
    const [files] = await bucket.getFiles({ prefix: "out/" });
    expect(files.map(({ name }) => name)).toEqual(["out/1", "out/2", "out/3"]);
    const [paged, next] = await bucket.getFiles({
      prefix: "out/",
      maxResults: 2,
      autoPaginate: false,
    });
    expect(paged.map(({ name }) => name)).toEqual(["out/1", "out/2"]);
    const [rest] = await bucket.getFiles({ ...next, autoPaginate: false });
    expect(rest.map(({ name }) => name)).toEqual(["out/3"]);
  });

  it("is found where its variable for emulators says", async () => {
    const { emulator } = await vertexStage();
    vi.stubEnv("STORAGE_EMULATOR_HOST", emulator.urls.vertex);
    const file = new Storage({ projectId: "p" }).bucket("b").file("x");
    await file.save("hello");
    expect((await file.download())[0].toString()).toBe("hello");
  });

  it("lets nobody in without a token it knows, where some are named", async () => {
    const { emulator } = await vertexStage({ apiKeys: ["known"] });
    const file = storageOf(emulator).bucket("b").file("x");
    await expect(file.getMetadata()).rejects.toMatchObject({ code: 401 });
    const url = `${emulator.urls.vertex}/storage/v1/b/b/o`;
    const reply = await fetch(url, { headers: { authorization: "Bearer known" } });
    expect(reply.status).toBe(200);
  });
});

describe("an upload session", () => {
  async function session(): Promise<{ url: string; base: string }> {
    const { emulator } = await vertexStage();
    const base = emulator.urls.vertex;
    const start = `${base}/upload/storage/v1/b/b/o?uploadType=resumable&name=x`;
    const reply = await fetch(start, { method: "POST", body: "{}" });
    return { url: reply.headers.get("location") ?? "", base };
  }

  async function put(url: string, range: string, body: string | Buffer = ""): Promise<Response> {
    const headers = { "content-range": range };
    return await fetch(url, { method: "PUT", headers, body: new Uint8Array(Buffer.from(body)) });
  }

  it("says how much it has, and goes on from there", async () => {
    const { url, base } = await session();
    expect((await put(url, "bytes */*")).headers.get("range")).toBeNull();
    const first = await put(url, `bytes 0-${String(PIECE - 1)}/*`, Buffer.alloc(PIECE, "a"));
    expect([first.status, first.headers.get("range")]).toEqual([
      308,
      `bytes=0-${String(PIECE - 1)}`,
    ]);
    expect((await put(url, "bytes */*")).headers.get("range")).toBe(`bytes=0-${String(PIECE - 1)}`);
    const total = String(PIECE + 3);
    const last = await put(url, `bytes ${String(PIECE)}-${String(PIECE + 2)}/${total}`, "end");
    expect([last.status, await last.json()]).toMatchObject([200, { size: total }]);
    expect((await put(url, `bytes */${total}`)).status).toBe(200);
    const object = await fetch(`${base}/storage/v1/b/b/o/x?alt=media`);
    expect((await object.text()).slice(-5)).toBe("aaend");
  });

  it("refuses a piece of odd length, one that does not go on where the last ended, and a wrong sum", async () => {
    const { url } = await session();
    expect((await put(url, "bytes 5-7/10", "abc")).status).toBe(503);
    expect((await put(url, "bytes 0-2/10", "abc")).status).toBe(400);
    expect((await put(url, "nonsense", "abc")).status).toBe(400);
    expect((await put(`${url}0`, "bytes 0-2/3", "abc")).status).toBe(404);
    const second = (await session()).url;
    const headers = { "content-range": "bytes 0-2/3", "x-goog-hash": "crc32c=AAAAAA==" };
    expect((await fetch(second, { method: "PUT", headers, body: "abc" })).status).toBe(400);
  });
});
