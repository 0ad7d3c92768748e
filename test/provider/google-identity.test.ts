import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { InputError, ProviderError } from "../../src/core/errors.ts";
import {
  bearerAccess,
  defaultIdentity,
  givenIdentity,
  isLoopback,
  namedAt,
} from "../../src/provider/google-identity.ts";
import { newFolder } from "../frame/support.ts";
import { credentialsFor, TOKEN } from "./google-credentials.ts";

describe("the default identity", () => {
  it("gives the token of the application default credentials, fetched once and kept for redaction", async () => {
    const service = await credentialsFor({ status: 200, body: TOKEN });
    const identity = defaultIdentity();
    expect(service.calls()).toBe(0);
    const access = bearerAccess(identity);
    expect(await access.headers()).toEqual({ authorization: "Bearer token-of-this-machine" });
    expect(await identity.token()).toBe("token-of-this-machine");
    expect(service.calls()).toBe(1);
    expect(access.secrets).toEqual(["token-of-this-machine"]);
  });

  it("says how to get credentials where they are refused or there are none", async () => {
    await credentialsFor({ status: 400, body: { error: "invalid_grant" } });
    const refused = await defaultIdentity()
      .token()
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(ProviderError);
    expect(refused).toMatchObject({ code: "provider_auth", retryable: false, httpStatus: 401 });
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", join(await newFolder(), "none.json"));
    await expect(defaultIdentity().token()).rejects.toMatchObject({
      code: "provider_auth",
      hint: expect.stringContaining("gcloud auth application-default login") as string,
    });
  });

  it("may be had later where the token service is out of order", async () => {
    await credentialsFor({ status: 503, body: {} });
    await expect(defaultIdentity().token()).rejects.toMatchObject({
      code: "provider_unreachable",
      retryable: true,
    });
  });
});

describe("who is named at an address", () => {
  const given = givenIdentity("token-given");
  const own = defaultIdentity();

  it("is the identity over https", () => {
    expect(namedAt("https://us-central1-aiplatform.googleapis.com", own)).toBe(own);
    expect(namedAt("https://gateway.example", given)).toBe(given);
  });

  it.each(["http://127.0.0.1:1", "http://localhost:1/vertex", "http://gateway.example"])(
    "is never the default identity over plain http (%s)",
    async (url) => {
      expect(namedAt(url, own)).toBeNull();
      expect(await bearerAccess(namedAt(url, own)).headers()).toEqual({});
    },
  );

  it("is a given one over plain http to this machine, and to no other", () => {
    expect(namedAt("http://127.0.0.1:1", given)).toBe(given);
    expect(namedAt("http://[::1]:1", given)).toBe(given);
    for (const url of ["http://10.0.0.1", "http://127.0.0.1.example", "http://emulator:80"])
      expect(() => namedAt(url, given)).toThrow(InputError);
  });
});

it.each([
  ["127.0.0.1", true],
  ["127.8.9.1", true],
  ["[::1]", true],
  ["localhost", true],
  ["a.localhost", true],
  ["localhost.example", false],
  ["127.0.0.1.example", false],
  ["10.0.0.1", false],
  ["[::2]", false],
])("%s is this machine: %s", (hostname, expected) => {
  expect(isLoopback(hostname)).toBe(expected);
});
