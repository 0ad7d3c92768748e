import { describe, expect, it, vi } from "vitest";
import { hostCalls, type HostAddress } from "../../src/provider/openai-sdk.ts";
import { hostServer, type HostServer } from "./host-server.ts";

const NEVER = new AbortController().signal;
const KEY = "sk-of-another-host";

async function sent(address: Partial<HostAddress>): Promise<HostServer["seen"][number]> {
  const { baseUrl, seen } = await hostServer(() => [200, {}]);
  const plain = { apiKey: KEY, auth: "bearer", isOpenAi: false } as const;
  const { baseUrl: suffix = "", ...rest } = address;
  await hostCalls({ ...plain, ...rest, baseUrl: `${baseUrl}${suffix}` }).get("/files", NEVER);
  const [call] = seen;
  if (call === undefined) throw new Error("Nothing arrived.");
  return call;
}

describe("what is OpenAI's goes to OpenAI alone", () => {
  function stub(): void {
    vi.stubEnv("OPENAI_API_KEY", "sk-openai");
    vi.stubEnv("OPENAI_ORG_ID", "org-mine");
    vi.stubEnv("OPENAI_PROJECT_ID", "proj-mine");
    vi.stubEnv("OPENAI_CUSTOM_HEADERS", "X-Gate: secret\nAuthorization: Bearer theirs\nbroken");
  }

  it("organisation, project, and headers of the user's own", async () => {
    stub();
    const { headers } = await sent({ isOpenAi: true });
    expect(headers).toMatchObject({
      "openai-organization": "org-mine",
      "openai-project": "proj-mine",
      "x-gate": "secret",
    });
  });

  it("another host is sent its own key and nothing else of the user's", async () => {
    stub();
    const { headers } = await sent({});
    expect(headers.authorization).toBe(`Bearer ${KEY}`);
    for (const value of Object.values(headers))
      for (const secret of ["org-mine", "proj-mine", "secret", "theirs", "sk-openai"])
        expect(value).not.toContain(secret);
  });
});

it("the key travels under its own name where the host wants that", async () => {
  const { headers } = await sent({ auth: "api-key" });
  expect(headers["api-key"]).toBe(KEY);
  expect(headers).not.toHaveProperty("authorization");
});

it("a host without keys is sent none", async () => {
  vi.stubEnv("OPENAI_API_KEY", "sk-openai");
  expect((await sent({ apiKey: null })).headers).not.toHaveProperty("authorization");
});

it("a query on the address goes with every call", async () => {
  expect((await sent({ baseUrl: "/openai?api-version=1" })).call).toBe(
    "GET /openai/files?api-version=1",
  );
});

it("reads are made again, creating and uploading never", async () => {
  const { baseUrl, seen } = await hostServer(() => [500, { error: { message: "broken" } }]);
  const calls = hostCalls({ baseUrl, apiKey: KEY, auth: "bearer", isOpenAi: false });
  await expect(calls.post("/batches", {}, NEVER)).rejects.toMatchObject({ status: 500 });
  await expect(calls.upload("/files", new Blob([]), NEVER)).rejects.toMatchObject({
    status: 500,
  });
  expect(seen).toHaveLength(2);
  await expect(calls.get("/files", NEVER)).rejects.toMatchObject({ status: 500 });
  expect(seen).toHaveLength(5);
});

it("what is gone already is deleted", async () => {
  const { baseUrl } = await hostServer(() => [404, { error: { message: "gone" } }]);
  const calls = hostCalls({ baseUrl, apiKey: KEY, auth: "bearer", isOpenAi: false });
  await expect(calls.delete("/files/x", NEVER)).resolves.toBeUndefined();
});
