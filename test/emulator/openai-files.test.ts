import { toFile } from "openai";
import { describe, expect, it } from "vitest";
import { manualClock } from "../../src/emulator/clock.ts";
import { stage, textOf, upload } from "./drive.ts";

const DAY_MS = 24 * 60 * 60 * 1000;

describe("files", () => {
  it("stores an upload byte for byte and describes it", async () => {
    const clock = manualClock(1_800_000_000_000);
    const { client } = await stage({ clock });
    const text = '{"a":"é \u2028 end"}\n';
    const file = await toFile(Buffer.from(text), "in put.jsonl");
    const created = await client.files.create({ purpose: "batch", file });
    expect(created).toEqual({
      id: expect.stringMatching(/^file-[0-9a-f]{22}$/) as string,
      object: "file",
      bytes: Buffer.byteLength(text),
      created_at: 1_800_000_000,
      expires_at: 1_800_000_000 + 30 * 86_400,
      filename: "in put.jsonl",
      purpose: "batch",
      status: "processed",
      status_details: null,
    });
    expect(await client.files.retrieve(created.id)).toEqual(created);
    expect(await textOf(client, created.id)).toBe(text);
  });

  it("refuses bytes that are not UTF-8, wherever they lie", async () => {
    const { client } = await stage();
    const long = Buffer.alloc(300_000, "é");
    const cases = [Buffer.from([0xff]), Buffer.concat([long, Buffer.from([0xc3])])];
    for (const bytes of cases) {
      const file = await toFile(bytes, "bad.jsonl");
      await expect(client.files.create({ purpose: "batch", file })).rejects.toMatchObject({
        status: 400,
        message: expect.stringContaining("Must be utf-8 encoded") as string,
      });
    }
    const good = await client.files.create({ purpose: "batch", file: await toFile(long, "a") });
    expect(good.bytes).toBe(600_000 / 2);
  });

  it("refuses an upload without a purpose it knows", async () => {
    const { client } = await stage();
    const file = await toFile(Buffer.from("x"), "x");
    const purpose = "nonsense" as "batch";
    await expect(client.files.create({ purpose, file })).rejects.toMatchObject({
      status: 400,
      param: "purpose",
    });
  });

  it("deletes a file, once", async () => {
    const { client, emulator } = await stage();
    const id = await upload(client, "x");
    expect(await client.files.delete(id)).toEqual({ id, object: "file", deleted: true });
    for (const call of [
      () => client.files.delete(id),
      () => client.files.retrieve(id),
      () => client.files.content(id),
    ]) {
      await expect(call()).rejects.toMatchObject({ status: 404 });
    }
    expect(emulator.stats().fileDeletions).toBe(1);
  });

  it("forgets a file when its life is over", async () => {
    const clock = manualClock();
    const { client } = await stage({ clock });
    const file = await toFile(Buffer.from("x"), "x");
    const expires_after = { anchor: "created_at" as const, seconds: 3600 };
    const short = await client.files.create({ purpose: "batch", file, expires_after });
    const usual = await upload(client, "y");
    clock.advance(3_600_000);
    await expect(client.files.content(short.id)).rejects.toMatchObject({ status: 404 });
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([usual]);
    clock.advance(30 * DAY_MS);
    expect((await client.files.list()).data).toEqual([]);
  });

  it("refuses a life that is too short", async () => {
    const { client } = await stage();
    const file = await toFile(Buffer.from("x"), "x");
    const expires_after = { anchor: "created_at" as const, seconds: 60 };
    await expect(
      client.files.create({ purpose: "batch", file, expires_after }),
    ).rejects.toMatchObject({ status: 400, param: "expires_after.seconds" });
  });

  it("lists by purpose, in pages, newest first or oldest first", async () => {
    const { client } = await stage();
    const ids = [await upload(client, "1"), await upload(client, "2"), await upload(client, "3")];
    const file = await toFile(Buffer.from("x"), "x");
    await client.files.create({ purpose: "user_data", file });
    const listed: string[] = [];
    for await (const { id } of client.files.list({ purpose: "batch", limit: 2 })) listed.push(id);
    expect(listed).toEqual(ids.toReversed());
    const oldest = await client.files.list({ purpose: "batch", order: "asc", limit: 1 });
    expect([oldest.data[0]?.id, oldest.has_more]).toEqual([ids[0], true]);
  });
});
