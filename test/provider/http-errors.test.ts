import OpenAI from "openai";
import { describe, expect, it } from "vitest";
import { ProviderError } from "../../src/core/errors.ts";
import { httpErrors } from "../../src/provider/http-errors.ts";

const KEY = "sk-test-0123456789";
const errors = httpErrors("api.example.com", [KEY]);

function read(caught: unknown): ProviderError {
  const error = errors.read("create the batch", caught);
  if (error instanceof ProviderError) return error;
  throw new Error("It was not read as a ProviderError.");
}

function refusal(status: number, headers: Record<string, string> = {}): unknown {
  const body = { message: `Refused for ${KEY}.`, type: "x", param: null, code: null };
  return OpenAI.APIError.generate(status, { error: body }, undefined, new Headers(headers));
}

describe("a refused call", () => {
  it("says that nothing was bought", () => {
    for (const status of [400, 401, 403, 404])
      expect(read(refusal(status)).hint).toContain("Nothing was bought by this call.");
  });

  it.each([
    [400, "provider_refused", false],
    [401, "provider_auth", false],
    [403, "provider_auth", false],
    [404, "provider_refused", false],
    [408, "provider_failed", true],
    [409, "provider_failed", true],
    [413, "provider_refused", false],
    [429, "provider_busy", true],
    [500, "provider_failed", true],
    [503, "provider_failed", true],
  ])("with status %i is %s, to be tried again: %s", (status, code, retryable) => {
    const error = read(refusal(status));
    expect(error).toMatchObject({ code, retryable, httpStatus: status });
    expect(error.message).toMatch(/^api\.example\.com could not create the batch: /);
    expect(error.message).toContain("Refused for [redacted].");
  });

  it.each([
    ["Deno", Object.assign(new Error("Requires net access"), { name: "NotCapable" })],
    ["Node", Object.assign(new Error("denied"), { code: "ERR_ACCESS_DENIED" })],
  ])("that %s does not allow is not tried again, however deep its cause", (_runtime, cause) => {
    const error = read(new Error("Connection error.", { cause: new Error("fetch", { cause }) }));
    expect(error).toMatchObject({ code: "network_denied", retryable: false });
    expect(error.hint).toContain("deno run --allow-net=api.example.com");
  });

  it.each([
    [{ "retry-after": "7" }, 7000],
    [{ "retry-after": "0.5" }, 500],
    [{ "retry-after-ms": "250", "retry-after": "9" }, 250],
    [{ "retry-after": "Thu, 01 Jan 1970 00:00:00 GMT" }, 0],
    [{ "retry-after": "soon" }, undefined],
    [{ "retry-after-ms": "soon", "retry-after": "2" }, 2000],
    [{ "retry-after": "-5" }, 0],
    [{ "retry-after-ms": "-5" }, 0],
    [{}, undefined],
  ])("with the headers %j asks to be left alone for %s ms", (headers, expected) => {
    expect(read(refusal(429, headers)).retryAfterMs).toBe(expected);
  });

  it("with a date asks to be left alone until then", () => {
    const date = new Date(Date.now() + 3_600_000).toUTCString();
    const waitMs = read(refusal(503, { "retry-after": date })).retryAfterMs ?? 0;
    expect(waitMs).toBeGreaterThan(3_500_000);
    expect(waitMs).toBeLessThanOrEqual(3_600_000);
  });
});

describe("a call without an answer", () => {
  it("is unreachable, and its causes are told without the key", () => {
    const inner = new Error(`getaddrinfo ENOTFOUND ${KEY}.example.com`);
    const middle = new TypeError("fetch failed", { cause: inner });
    const error = read(
      new OpenAI.APIConnectionError({ message: "Connection error.", cause: middle }),
    );
    expect(error).toMatchObject({ code: "provider_unreachable", retryable: true });
    expect(error.httpStatus).toBeUndefined();
    expect(error.message).toContain(
      "Connection error. (fetch failed (getaddrinfo ENOTFOUND [redacted].example.com))",
    );
  });

  it("does not follow causes that go in a circle", () => {
    const one = new Error("first");
    const other = new Error("second", { cause: one });
    one.cause = other;
    expect(read(one).message).toContain("first (second");
  });

  it.each(["text", undefined, null, { key: KEY }])("may be anything thrown: %j", (caught) => {
    expect(read(caught).code).toBe("provider_unreachable");
  });
});

it("nothing of the original error comes along: it holds the request's headers", () => {
  const error = read(refusal(401));
  expect(error.cause).toBeUndefined();
  expect(JSON.stringify([Object.entries(error), String(error), error.stack])).not.toContain(KEY);
});

it.each([
  ["the SDK's", new OpenAI.APIUserAbortError()],
  ["the platform's", new DOMException("This operation was aborted", "AbortError")],
  ["Node's", Object.assign(new Error("aborted"), { name: "AbortError" })],
  ["our own", new ProviderError("provider_busy", "Busy.")],
])("%s errors of aborted calls and our own pass unchanged", async (_whose, caught) => {
  expect(errors.read("upload", caught)).toBe(caught);
  await expect(errors.reading("upload", () => Promise.reject(caught as Error))).rejects.toBe(
    caught,
  );
});

it("a call that succeeds gives its value", async () => {
  expect(await errors.reading("upload", () => Promise.resolve(7))).toBe(7);
});

describe("an answer that is no JSON", () => {
  it("is told of as what it comes from", () => {
    expect(read(new SyntaxError("Unexpected token '<'"))).toMatchObject({
      code: "provider_unreachable",
      message:
        "api.example.com could not create the batch: what answers at this address does not speak JSON (Unexpected token '<')",
    });
  });
});
