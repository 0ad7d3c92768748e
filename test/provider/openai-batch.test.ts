import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { readBatch, tagMetadata, timeOf } from "../../src/provider/openai-batch.ts";

const TAG = { run: "rabcdefg", chunk: 4, intent: "8f14e45f-ceea-467f-a9d0-6f1a2b3c4d5e" };

describe("readBatch", () => {
  it("reads anything a host may write, and throws never", () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (reply, field) => {
        readBatch(reply);
        for (const name of ["status", "errors", "metadata", "request_counts", "created_at"])
          expect(readBatch({ id: "b", [name]: field })?.id).toBe("b");
      }),
    );
  });

  it.each([null, "b", [], {}, { id: "" }, { id: 3 }, { job: {} }])(
    "sees no batch in %j",
    (reply) => {
      expect(readBatch(reply)).toBeNull();
    },
  );

  it.each([
    ["completed", "completed"],
    ["Completed", "completed"],
    ["SUCCESS", "completed"],
    ["failed", "failed"],
    ["FAILED", "failed"],
    ["expired", "expired"],
    ["TIMEOUT_EXCEEDED", "expired"],
    ["cancelled", "cancelled"],
    ["CANCELED", "cancelled"],
  ])("takes %s for an end", (status, outcome) => {
    expect(readBatch({ id: "b", status })?.status).toMatchObject({
      phase: "ended",
      ending: { outcome },
    });
  });

  it.each([
    ["validating", "validating"],
    ["Validating", "validating"],
    ["Submitted", "validating"],
    ["QUEUED", "validating"],
    ["in_progress", "running"],
    ["RUNNING", "running"],
    ["Processing", "running"],
    ["finalizing", "finalizing"],
    ["CANCELING", "cancelling"],
    ["CANCELLATION_REQUESTED", "cancelling"],
    ["something new", "running"],
  ])("takes %s for no end", (status, phase) => {
    expect(readBatch({ id: "b", status })?.status).toEqual({ phase, done: null });
  });

  it.each([
    [{ request_counts: { total: 9, completed: 2, failed: 1 } }, 3],
    [{ request_counts: { completed: 2 } }, 2],
    [{ request_counts: null }, null],
    [{ completed_requests: 5, failed_requests: 2 }, 5],
    [{ progress: 50 }, null],
  ])("counts what is done in %j", (counts, done) => {
    const batch = readBatch({ id: "b", status: "in_progress", ...counts });
    expect(batch?.status).toEqual({ phase: "running", done });
  });

  it.each([
    [{ output_file_id: "o", error_file_id: "" }, { output: "o" }],
    [{ output_file_id: null, error_file_id: "e" }, { error: "e" }],
    [
      { output_file: "o", error_file: "e" },
      { output: "o", error: "e" },
    ],
    [{}, {}],
  ])("names the result files in %j", (files, results) => {
    const batch = readBatch({ id: "b", status: "completed", ...files });
    expect(batch?.status).toMatchObject({ ending: { results } });
  });

  it.each([
    [
      { errors: { object: "list", data: [{ code: "url_mismatch", message: "No.", line: 3 }] } },
      "url_mismatch",
      "No. (line 3)",
      "never",
    ],
    [
      { errors: { data: [{ code: "token_limit_exceeded", message: "Full." }] } },
      "token_limit_exceeded",
      "Full.",
      "room",
    ],
    [{ errors: { data: [{ message: "" }] } }, "unknown", "unknown", "later"],
    [{ errors: [{ message: "Because.", count: 2 }] }, "unknown", "Because.", "later"],
    [
      { error: "Enqueued tokens exceed the limit." },
      "unknown",
      "Enqueued tokens exceed the limit.",
      "room",
    ],
    [{ error: "Broken." }, "unknown", "Broken.", "later"],
  ])("reads why it failed from %j", (said, code, message, again) => {
    const batch = readBatch({ id: "b", status: "failed", ...said });
    expect(batch?.status).toMatchObject({ ending: { reason: { code, message, again } } });
  });

  it("finds tag, input files and age, inside `job` too", () => {
    const described = { id: "b", input_file_id: "f", metadata: tagMetadata(TAG), created_at: 60 };
    const read = { id: "b", inputs: ["f"], tag: TAG, createdAtMs: 60_000 };
    expect(readBatch(described)).toMatchObject(read);
    expect(readBatch({ job: described, warning: "w" })).toMatchObject(read);
    expect(readBatch({ id: "b", input_files: ["f", "g", ""] })?.inputs).toEqual(["f", "g"]);
    expect(readBatch({ id: "b", metadata: { run: "theirs" } })?.tag).toBeNull();
  });
});

it("a moment is read from seconds and from ISO 8601, and is null otherwise", () => {
  expect(timeOf(1_789_000_000)).toBe(1_789_000_000_000);
  expect(timeOf("2026-11-21T09:00:00Z")).toBe(Date.UTC(2026, 10, 21, 9));
  expect([timeOf(null), timeOf(undefined), timeOf("soon")]).toEqual([null, null, null]);
});
