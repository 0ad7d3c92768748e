import { describe, expect, it } from "vitest";
import type { Batch } from "openai/resources/batches";
import type { EmulatorOptions } from "../../src/emulator/emulator.ts";
import { chatLine, chatLines, create, ended, run, stage, until } from "./drive.ts";

/** The batch over these lines, which has to fail, and its one problem. */
async function failing(lines: readonly unknown[] | string, options: EmulatorOptions = {}) {
  const { client } = await stage(options);
  const batch = await run(client, lines);
  expect(nothingRan(batch)).toBe(true);
  return batch.errors?.data;
}

function nothingRan(batch: Batch): boolean {
  const { status, output_file_id: output, error_file_id: errors, request_counts: counts } = batch;
  expect({ status, output, errors, counts }).toEqual({
    status: "failed",
    output: null,
    errors: null,
    counts: { total: 0, completed: 0, failed: 0 },
  });
  return typeof batch.failed_at === "number" && batch.errors?.object === "list";
}

const good = chatLine("good");

describe("validation", () => {
  it.each([
    ["no JSON", [good, "not JSON"].map(text).join("\n"), "invalid_json_line", null, 2],
    ["a byte order mark", `\uFEFF${text(good)}\n`, "invalid_json_line", null, 1],
    ["a blank line", `${text(good)}\n\n${text(chatLine("b"))}\n`, "invalid_json_line", null, 2],
    ["an id twice", [good, chatLine("b"), good], "duplicate_custom_id", "custom_id", 3],
    ["no id", [{ ...good, custom_id: undefined }], "missing_required_parameter", "custom_id", 1],
    ["no url", [good, { ...good, url: undefined }], "missing_required_parameter", "url", 2],
    ["no body", [{ ...good, body: undefined }], "missing_required_parameter", "body", 1],
    [
      "two models",
      [good, chatLine("b", "x", { model: "m2" })],
      "mismatched_model",
      "body.model",
      2,
    ],
    ["another url", [{ ...good, url: "/v1/embeddings" }], "invalid_url", "url", 1],
    ["another method", [{ ...good, method: "GET" }], "invalid_request", "method", 1],
    ["no model", [chatLine("a", "x", { model: undefined })], "invalid_request", "body.model", 1],
    ["a stream", [chatLine("a", "x", { stream: true })], "streaming_unsupported", "body.stream", 1],
    ["an empty file", "", "empty_file", null, null],
  ])("fails at %s", async (_, lines, code, param, line) => {
    expect(await failing(lines)).toEqual([
      { code, param, line, message: expect.any(String) as string },
    ]);
  });

  it("reports only the first bad line", async () => {
    const lines = [good, { ...good, url: "/other" }, "nonsense"];
    const problems = await failing(lines);
    expect(problems).toHaveLength(1);
    expect(problems?.[0]).toMatchObject({ code: "invalid_url", line: 2 });
  });

  it("fails at a model that does not exist", async () => {
    const problems = await failing([good], { models: ["other"] });
    expect(problems?.[0]).toMatchObject({ code: "model_not_found", param: "body.model", line: 1 });
  });

  it("fails at too many requests, too many bytes, too many embedding inputs", async () => {
    const tooMany = await failing(chatLines(3), { limits: { maxRequests: 2 } });
    expect(tooMany?.[0]).toMatchObject({ code: "too_many_tasks", line: null });
    const tooLarge = await failing(chatLines(3), { limits: { maxBytes: 100 } });
    expect(tooLarge?.[0]?.message).toContain("larger than the 100 maximum for the gpt-test model");
    const { client } = await stage({ limits: { maxEmbeddingInputs: 2 } });
    const body = { model: "e", input: ["a", "b", "c"] };
    const line = { custom_id: "a", method: "POST", url: "/v1/embeddings", body };
    const batch = await ended(client, (await create(client, [line], "/v1/embeddings")).id);
    expect(batch.errors?.data?.[0]?.code).toBe("too_many_tasks");
  });

  it("accepts a file at the limit", async () => {
    const { client } = await stage({ limits: { maxRequests: 3 } });
    expect((await run(client, chatLines(3))).status).toBe("completed");
  });

  it("accepts a last line without a line feed", async () => {
    const { client } = await stage();
    expect((await run(client, text(good))).request_counts?.completed).toBe(1);
  });

  it("fails only later for a file that does not exist or has another purpose", async () => {
    const { client } = await stage();
    const { id } = await client.files.create({
      purpose: "user_data",
      file: new File(["x"], "x.txt"),
    });
    for (const input_file_id of ["file-nowhere", id]) {
      const created = await client.batches.create({
        input_file_id,
        endpoint: "/v1/chat/completions",
        completion_window: "24h",
      });
      expect(created.status).toBe("validating");
      const batch = await ended(client, created.id);
      expect(nothingRan(batch)).toBe(true);
      expect(batch.errors?.data?.[0]).toMatchObject({ code: "invalid_request", param: "file_id" });
    }
  });

  it("fails when the input file is deleted before it is looked at", async () => {
    const { client, emulator } = await stage({ faults: { stuckValidating: 1 } });
    const batch = await create(client, chatLines(2));
    await client.files.delete(batch.input_file_id);
    while (emulator.release() === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    expect(nothingRan(await ended(client, batch.id))).toBe(true);
  });
});

describe("the budget of enqueued tokens", () => {
  it("refuses a batch while another holds the tokens, and takes it once that has ended", async () => {
    const { client, emulator } = await stage({
      limits: { enqueuedTokens: { "gpt-test": 40 } },
      faults: { stuck: { count: 1 } },
    });
    const first = await create(client, chatLines(3));
    await until(client, first.id, (batch) => batch.status === "in_progress");
    const second = await run(client, chatLines(3));
    expect(nothingRan(second)).toBe(true);
    expect(second.errors?.data).toEqual([
      {
        code: "token_limit_exceeded",
        param: null,
        line: null,
        message:
          "Enqueued token limit reached for gpt-test in organization org-emulator. Limit: 40 enqueued tokens. Please try again once some in_progress batches have been completed.",
      },
    ]);
    emulator.release(first.id);
    expect((await ended(client, first.id)).status).toBe("completed");
    expect((await run(client, chatLines(3))).status).toBe("completed");
  });

  it("is kept for each model", async () => {
    const { client } = await stage({ limits: { enqueuedTokens: { other: 1 } } });
    expect((await run(client, chatLines(3))).status).toBe("completed");
  });
});

function text(line: unknown): string {
  return typeof line === "string" ? line : JSON.stringify(line);
}
