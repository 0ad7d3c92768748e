import { describe, expect, it } from "vitest";
import { chatLines, create, stage, upload } from "./drive.ts";

describe("creating a batch", () => {
  async function refused(changes: Readonly<Record<string, unknown>>) {
    const { client, emulator } = await stage();
    const body = {
      input_file_id: await upload(client, chatLines(1)),
      endpoint: "/v1/chat/completions" as const,
      completion_window: "24h" as const,
      ...changes,
    };
    const error: unknown = await client.batches.create(body).catch((caught: unknown) => caught);
    expect(emulator.stats().batchesCreated).toBe(0);
    return error;
  }

  it.each([
    ["no input file", { input_file_id: undefined }, "input_file_id", "missing_required_parameter"],
    ["no endpoint", { endpoint: undefined }, "endpoint", "missing_required_parameter"],
    ["an unknown endpoint", { endpoint: "/v1/dreams" }, "endpoint", "invalid_value"],
    ["another window", { completion_window: "48h" }, "completion_window", "invalid_value"],
    ["metadata of numbers", { metadata: { a: 1 } }, "metadata", "invalid_type"],
    ["a list as metadata", { metadata: [] }, "metadata", "invalid_type"],
    ["a long key", { metadata: { ["k".repeat(65)]: "v" } }, "metadata", "string_above_max_length"],
    ["a long value", { metadata: { k: "v".repeat(513) } }, "metadata", "string_above_max_length"],
    ["17 pairs", { metadata: pairs(17) }, "metadata", "object_above_max_properties"],
    [
      "a short life of results",
      { output_expires_after: { anchor: "created_at", seconds: 5 } },
      "output_expires_after.seconds",
      null,
    ],
  ])("is refused with 400 for %s", async (_, changes, param, code) => {
    expect(await refused(changes)).toMatchObject({
      status: 400,
      type: "invalid_request_error",
      param,
      code,
    });
  });

  it("takes metadata up to its limits and gives it back", async () => {
    const { client } = await stage();
    const metadata = { ...pairs(15), ["k".repeat(64)]: "v".repeat(512) };
    const { id } = await client.batches.create({
      input_file_id: await upload(client, chatLines(1)),
      endpoint: "/v1/chat/completions",
      completion_window: "24h",
      metadata,
    });
    expect((await client.batches.retrieve(id)).metadata).toEqual(metadata);
  });
});

describe("listing batches", () => {
  it("goes through pages from the newest", async () => {
    const { client, emulator } = await stage();
    const ids: string[] = [];
    for (let index = 0; index < 5; index += 1) ids.push((await create(client, chatLines(1))).id);
    const page = await client.batches.list({ limit: 2 });
    expect(page.data.map((batch) => batch.id)).toEqual([ids[4], ids[3]]);
    expect(page.has_more).toBe(true);
    const headers = { authorization: "Bearer k" };
    const raw = await fetch(`${emulator.url}/batches?limit=2`, { headers });
    expect(await raw.json()).toMatchObject({ object: "list", first_id: ids[4], last_id: ids[3] });
    const all: string[] = [];
    for await (const batch of client.batches.list({ limit: 2 })) all.push(batch.id);
    expect(all).toEqual(ids.toReversed());
    expect((await client.batches.list({ limit: 5 })).has_more).toBe(false);
    const rest = await client.batches.list({ after: ids[1] ?? "", limit: 100 });
    expect([rest.data.map((batch) => batch.id), rest.has_more]).toEqual([[ids[0]], false]);
  });

  it("has no ids when it is empty", async () => {
    const { emulator } = await stage();
    const headers = { authorization: "Bearer k" };
    const page: unknown = await (await fetch(`${emulator.url}/batches`, { headers })).json();
    const none = { data: [], has_more: false, first_id: null, last_id: null };
    expect(page).toEqual({ object: "list", ...none });
  });

  it("refuses a limit outside 1 to 100 and an id it does not know", async () => {
    const { client } = await stage();
    for (const limit of [0, 101]) {
      await expect(client.batches.list({ limit })).rejects.toMatchObject({ param: "limit" });
    }
    await expect(client.batches.list({ after: "batch_x" })).rejects.toMatchObject({ status: 404 });
  });
});

describe("looking up a batch", () => {
  it("is 404 for one that does not exist", async () => {
    const { client } = await stage();
    const expected = { status: 404, message: "404 No batch found with id 'batch_x'." };
    await expect(client.batches.retrieve("batch_x")).rejects.toMatchObject(expected);
    await expect(client.batches.cancel("batch_x")).rejects.toMatchObject(expected);
  });

  it("is 404 now and then when told to", async () => {
    const { client } = await stage({ faults: { notFoundFlicker: { count: 2 } } });
    const { id } = await create(client, chatLines(1));
    await expect(client.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    await expect(client.batches.retrieve(id)).rejects.toMatchObject({ status: 404 });
    expect((await client.batches.retrieve(id)).id).toBe(id);
  });
});

function pairs(count: number): Record<string, string> {
  return Object.fromEntries(
    Array.from({ length: count }, (_, index) => [`k${String(index)}`, "v"]),
  );
}
