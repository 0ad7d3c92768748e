import { describe, expect, it } from "vitest";
import type { Faults } from "../../src/emulator/emulator.ts";
import { chatLine, chatLines, choiceOf, create, ended, linesIn, onlyLine, run } from "./drive.ts";
import { stage, textOf } from "./drive.ts";

/** What one row with a ten-token text comes to under these faults. */
async function oneRow(faults: Faults) {
  const { client, emulator } = await stage({ faults });
  const batch = await run(client, [chatLine("a", "0123456789".repeat(4))]);
  const line = await onlyLine(client, batch);
  return { batch, line, stats: emulator.stats() };
}

describe("faults of what a row says", () => {
  it("truncates", async () => {
    const { line } = await oneRow({ truncateRows: 1 });
    expect(choiceOf(line)).toEqual({
      content: "0123456789".repeat(2),
      refusal: null,
      reason: "length",
    });
  });

  it("refuses", async () => {
    const { line, batch } = await oneRow({ refuseRows: 1 });
    expect(choiceOf(line)).toEqual({
      content: null,
      refusal: "I'm sorry, I can't help with that.",
      reason: "stop",
    });
    expect(batch.request_counts).toEqual({ total: 1, completed: 1, failed: 0 });
  });

  it("filters", async () => {
    const { line } = await oneRow({ contentFilterRows: 1 });
    expect(choiceOf(line)).toMatchObject({ content: "", reason: "content_filter" });
  });

  it("says something that is not JSON", async () => {
    const { line } = await oneRow({ invalidJsonRows: 1 });
    expect(() => void JSON.parse(choiceOf(line).content ?? "{}")).toThrow(SyntaxError);
  });

  it("says null", async () => {
    const { line } = await oneRow({ nullContentRows: 1 });
    expect(choiceOf(line)).toEqual({ content: null, refusal: null, reason: "stop" });
  });

  it("says separators raw and NULs escaped", async () => {
    const { client } = await stage({ faults: { unicodeSeparators: 1, nulRows: { count: 0 } } });
    const batch = await run(client, [chatLine("a")]);
    const raw = await textOf(client, batch.output_file_id);
    expect(raw).toContain("\u2028");
    expect(raw.trim().split("\n")).toHaveLength(1);
    const { line } = await oneRow({ nulRows: 1 });
    expect(choiceOf(line).content).toContain("\u0000");
  });

  it("says a great deal", async () => {
    const { line } = await oneRow({ longRows: { bytes: 3_000_000 } });
    expect(choiceOf(line).content).toHaveLength(3_000_000);
  });

  it("leaves the usage out, of the row and of the batch", async () => {
    const { line, batch } = await oneRow({ noUsage: 1 });
    expect(line.response?.body.usage).toBeUndefined();
    expect(batch.usage).toBeUndefined();
  });
});

describe("faults of how a row ends", () => {
  it.each([
    [400, "invalid_request_error", null],
    [429, "requests", "rate_limit_exceeded"],
    [500, "server_error", null],
  ])("fails with %i, unbilled", async (status, type, code) => {
    const { line, batch, stats } = await oneRow({ failRows: { status } });
    expect(line.response?.status_code).toBe(status);
    expect(line.response?.body.error).toMatchObject({ type, code });
    expect(batch).toMatchObject({ output_file_id: null, request_counts: { failed: 1 } });
    expect(stats).toMatchObject({ rowsExecuted: 0, rowsFailed: 1, promptTokensBilled: 0 });
  });

  it("expires single rows, and their batch with them", async () => {
    const { client, emulator } = await stage({ faults: { expireRows: { count: 1 } } });
    const batch = await run(client, chatLines(3));
    expect(batch.status).toBe("expired");
    const [line, ...more] = await linesIn(client, batch.error_file_id);
    expect([line?.error?.code, more.length]).toEqual(["batch_expired", 0]);
    expect(await linesIn(client, batch.output_file_id)).toHaveLength(2);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });
});

describe("faults of a row's lines", () => {
  it("drops a line that was billed", async () => {
    const { client, emulator } = await stage({ faults: { dropRows: { customIds: ["r1"] } } });
    const batch = await run(client, chatLines(3));
    const ids = (await linesIn(client, batch.output_file_id)).map((line) => line.custom_id);
    expect(ids.toSorted()).toEqual(["r0", "r2"]);
    expect(batch).toMatchObject({ error_file_id: null, request_counts: { completed: 3 } });
    expect(emulator.executions({ customId: "r1" })).toBe(1);
  });

  it("writes a line twice, the same or with another answer", async () => {
    for (const otherAnswer of [false, true]) {
      const { client, emulator } = await stage({ faults: { duplicateRows: { otherAnswer } } });
      const batch = await run(client, [chatLine("a")]);
      const [first, second, ...more] = await linesIn(client, batch.output_file_id);
      expect([first?.custom_id, second?.custom_id, more.length]).toEqual(["a", "a", 0]);
      expect(choiceOf(first).content === choiceOf(second).content).toBe(!otherAnswer);
      expect(emulator.stats().rowsExecuted).toBe(1);
    }
  });

  it("adds a line under an id that was never sent", async () => {
    const { client } = await stage({ faults: { unknownIds: 1 } });
    const batch = await run(client, [chatLine("a")]);
    const ids = (await linesIn(client, batch.output_file_id)).map((line) => line.custom_id);
    expect(ids).toEqual(["a", expect.stringMatching(/^unknown-[0-9a-f]{16}$/)]);
  });

  it("cuts a line in half", async () => {
    const { client } = await stage({ faults: { malformedLine: { customIds: ["r1"] } } });
    const batch = await run(client, chatLines(3));
    const lines = (await textOf(client, batch.output_file_id)).trimEnd().split("\n");
    const broken = lines.filter((line) => !line.endsWith('"error":null}'));
    expect([lines.length, broken.length]).toEqual([3, 1]);
    expect(broken[0]).toContain('"custom_id":"r1"');
  });
});

describe("the luck of rows", () => {
  it("follows from the seed and the ids, not from the order or the batch", async () => {
    const struck = async (seed: number, reverse: boolean): Promise<string[]> => {
      const { client } = await stage({ seed, faults: { failRows: 0.3 } });
      const lines = reverse ? chatLines(40).toReversed() : chatLines(40);
      const batch = await run(client, lines);
      return (await linesIn(client, batch.error_file_id)).map((line) => line.custom_id).toSorted();
    };
    const first = await struck(1, false);
    expect(first.length).toBeGreaterThan(3);
    expect(first.length).toBeLessThan(25);
    expect(await struck(1, true)).toEqual(first);
    expect(await struck(2, false)).not.toEqual(first);
  });

  it("is drawn again when an id is sent again", async () => {
    const { client } = await stage({ faults: { failRows: 0.5 } });
    const failed = async (): Promise<string[]> => {
      const batch = await run(client, chatLines(30));
      return (await linesIn(client, batch.error_file_id)).map((line) => line.custom_id).toSorted();
    };
    expect(await failed()).not.toEqual(await failed());
  });

  it("strikes the same rows by count however long their answers take", async () => {
    const struck = async (slow: number): Promise<readonly string[]> => {
      const answer = async ({ customId }: { readonly customId: string | null }) => {
        if (Number(customId?.slice(1)) % slow === 0) await new Promise((r) => setTimeout(r, 3));
        return { content: "yes" };
      };
      const { client } = await stage({ answer, faults: { refuseRows: { count: 3 } } });
      const batch = await run(client, chatLines(12));
      const lines = await linesIn(client, batch.output_file_id);
      return lines.filter((line) => choiceOf(line).refusal !== null).map((line) => line.custom_id);
    };
    expect(await struck(2)).toEqual(await struck(3));
  });

  it("counts a body that is executed again as billed again", async () => {
    const { client, emulator } = await stage();
    await run(client, [chatLine("a", "same")]);
    await run(client, [chatLine("b", "same"), chatLine("c", "other")]);
    expect(emulator.stats()).toMatchObject({
      rowsExecuted: 3,
      distinctBodies: 2,
      bodiesBilledAgain: 1,
      distinctCustomIds: 3,
      customIdsBilledAgain: 0,
    });
    const messages = [{ content: "same", role: "user" }];
    expect(emulator.executions({ body: { messages, model: "gpt-test" } })).toBe(2);
  });
});

describe("rows of embeddings", () => {
  it("carry vectors, as floats or base64", async () => {
    const { client } = await stage();
    const line = (id: string, encoding_format: string) => ({
      custom_id: id,
      method: "POST",
      url: "/v1/embeddings",
      body: { model: "e", input: "hello", dimensions: 4, encoding_format },
    });
    const lines = [line("a", "float"), line("b", "base64")];
    const batch = await ended(client, (await create(client, lines, "/v1/embeddings")).id);
    const found = (await linesIn(client, batch.output_file_id)).map((one) => {
      const body = one.response?.body as unknown as {
        readonly data: readonly [{ readonly embedding: readonly number[] | string }];
        readonly usage: unknown;
      };
      expect(body.usage).toEqual({ prompt_tokens: 2, total_tokens: 2 });
      const { embedding } = body.data[0];
      if (typeof embedding !== "string") return embedding;
      const bytes = Buffer.from(embedding, "base64");
      return [0, 4, 8, 12].map((at) => bytes.readFloatLE(at));
    });
    expect(found[0]).toHaveLength(4);
    expect(found[0]).toEqual(found[1]);
    expect(batch.usage).toMatchObject({ input_tokens: 4, output_tokens: 0 });
  });
});
