import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/emulator.ts";
import { googleStage, plain, uploaded } from "./google-drive.ts";

const HOUR_MS = 60 * 60 * 1000;
const QUARTER_MIB = 256 * 1024;

const start = (bytes: number): RequestInit => ({
  method: "POST",
  headers: {
    "x-goog-upload-protocol": "resumable",
    "x-goog-upload-command": "start",
    "x-goog-upload-header-content-length": String(bytes),
    "x-goog-upload-header-content-type": "application/jsonl",
  },
  body: JSON.stringify({ file: { display_name: "given" } }),
});

describe("Gemini's files", () => {
  it("are uploaded, shown, listed and deleted by the official client", async () => {
    const { client, emulator } = await googleStage();
    const name = await uploaded(client, "one\n");
    expect(await client.files.get({ name })).toMatchObject({
      name,
      mimeType: "jsonl",
      sizeBytes: "4",
      state: "ACTIVE",
      source: "UPLOADED",
    });
    const other = await uploaded(client, "two\n");
    const listed: (string | undefined)[] = [];
    for await (const file of await client.files.list({ config: { pageSize: 1 } }))
      listed.push(file.name);
    expect(listed).toEqual([other, name]);
    await client.files.delete({ name });
    await expect(client.files.delete({ name })).rejects.toMatchObject({ status: 403 });
    await expect(client.files.get({ name })).rejects.toMatchObject({ status: 403 });
    expect(emulator.stats()).toMatchObject({ uploads: 2, fileDeletions: 1 });
  });

  it("live 48 hours, and cannot be downloaded", async () => {
    const clock = manualClock();
    const { client, emulator } = await googleStage({ clock });
    const name = await uploaded(client, "one\n");
    const download = await plain(emulator, `/v1/${name}:download?alt=media`);
    expect(download.status).toBe(400);
    clock.advance(48 * HOUR_MS - 1);
    expect((await plain(emulator, `/v1/${name}`)).status).toBe(200);
    clock.advance(1);
    expect((await plain(emulator, `/v1/${name}`)).status).toBe(403);
    expect((await plain(emulator, "/v1/files?pageSize=10")).body).toEqual({});
  });
});

describe("a resumable upload", () => {
  async function begun(
    bytes: number,
  ): Promise<
    (command: string, offset: number, body: Uint8Array<ArrayBuffer>) => Promise<Response>
  > {
    const { emulator } = await googleStage();
    const { status, headers } = await plain(emulator, "/upload/v1beta/files", start(bytes));
    expect(status).toBe(200);
    expect(headers.get("x-goog-upload-status")).toBe("active");
    const url = headers.get("x-goog-upload-url") ?? "";
    expect(url).toContain(`${emulator.urls.google}/upload/v1beta/files?`);
    return (command, offset, body) =>
      fetch(url, {
        method: "POST",
        headers: { "x-goog-upload-command": command, "x-goog-upload-offset": String(offset) },
        body,
      });
  }

  it("takes its bytes in pieces, without a key, and is final after the last", async () => {
    const send = await begun(QUARTER_MIB + 3);
    const first = await send("upload", 0, new Uint8Array(QUARTER_MIB));
    expect([first.status, first.headers.get("x-goog-upload-status")]).toEqual([200, "active"]);
    const last = await send("upload, finalize", QUARTER_MIB, new Uint8Array(3));
    expect(last.headers.get("x-goog-upload-status")).toBe("final");
    expect(await last.json()).toMatchObject({
      file: { sizeBytes: String(QUARTER_MIB + 3), displayName: "given" },
    });
    expect((await send("upload, finalize", 0, new Uint8Array(1))).status).toBe(404);
  });

  it.each([
    ["at a wrong offset", "upload", 5, QUARTER_MIB],
    ["of an odd length", "upload", 0, 100],
    ["that make it shorter than announced", "upload, finalize", 0, 100],
    ["under an unknown command", "cancel", 0, 0],
  ])("refuses bytes %s", async (_, command, offset, bytes) => {
    const send = await begun(2 * QUARTER_MIB);
    expect((await send(command, offset, new Uint8Array(bytes))).status).toBe(400);
  });

  it("must be started as one, be told its type, and be no longer than 2 GB", async () => {
    const { emulator } = await googleStage();
    const path = "/upload/v1/files";
    expect((await plain(emulator, path, { method: "POST", body: "{}" })).status).toBe(400);
    expect((await plain(emulator, path, start(3 * 1024 ** 3))).status).toBe(400);
    const { "x-goog-upload-header-content-type": _type, ...headers } = start(1).headers as Record<
      string,
      string
    >;
    expect((await plain(emulator, path, { ...start(1), headers })).status).toBe(400);
  });

  it("may be stored and cut off at its end, and at no other call", async () => {
    const { client, emulator } = await googleStage({ faults: { uploadAcceptedThenCut: 1 } });
    await expect(uploaded(client, "one\n")).rejects.toThrow();
    expect(emulator.stats().uploads).toBe(1);
  });
});
