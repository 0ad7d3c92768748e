import { chmodSync, mkdtempSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { examine, type Check, type ExamineOptions } from "../src/doctor.ts";
import { startEmulator } from "../src/emulator/emulator.ts";

const KEY = "sk-test-never-to-be-told";

function folder(): string {
  return mkdtempSync(join(tmpdir(), "doctor-"));
}

async function found(name: string, options: ExamineOptions = {}): Promise<Check | undefined> {
  const checks = await examine({ runDir: join(folder(), "runs"), ...options });
  expect(JSON.stringify(checks)).not.toContain(KEY);
  return checks.find((check) => check.name === name);
}

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("examine", () => {
  it("finds what this machine has, and leaves nothing behind", async () => {
    const home = folder();
    const checks = await examine({ runDir: join(home, "a", "b") });
    const missing = checks.filter(({ state }) => state === "missing");
    expect(missing).toEqual([]);
    expect(checks.map(({ name }) => name).slice(0, 5)).toEqual([
      "Node",
      "nodejs-polars",
      "node:sqlite",
      "run directory",
      "embedded/use-lite",
    ]);
    expect(readdirSync(home)).toEqual([]);
  });

  it("looks at a model where it was told it is", async () => {
    vi.stubEnv("OPENAI_API_KEY", KEY);
    const options = { model: "openai/gpt-5-mini", baseUrl: "http://127.0.0.1:9/v1" };
    expect(await found("openai/gpt-5-mini", options)).toMatchObject({
      found: "runs on 127.0.0.1:9, charged by its provider",
    });
  });

  it("notices a run directory that cannot be made", async () => {
    const home = folder();
    writeFileSync(join(home, "file"), "");
    expect(await found("run directory", { runDir: join(home, "file", "runs") })).toMatchObject({
      state: "missing",
      hint: expect.stringContaining("--run-dir") as string,
    });
    chmodSync(home, 0o500);
    const sealed = await found("run directory", { runDir: join(home, "runs") });
    // The superuser may write anywhere.
    expect(sealed?.state).toBe(process.getuid?.() === 0 ? "ok" : "missing");
    chmodSync(home, 0o700);
  });

  it("tells whether a key is set, and not what it is", async () => {
    expect(await found("OPENAI_API_KEY")).toMatchObject({ state: "warning", found: "not set" });
    vi.stubEnv("OPENAI_API_KEY", KEY);
    expect(await found("OPENAI_API_KEY")).toEqual({
      name: "OPENAI_API_KEY",
      state: "ok",
      found: "set",
    });
  });

  it("judges a model by its name and key", async () => {
    const model = "embedded/use-lite2";
    expect(await found(model, { model })).toMatchObject({ state: "missing" });
    vi.stubEnv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1");
    const remote = { model: "openai/x" };
    expect((await found("openai/x", remote))?.found).toContain("OPENAI_API_KEY");
    vi.stubEnv("OPENAI_API_KEY", KEY);
    expect(await found("openai/x", remote)).toMatchObject({
      state: "ok",
      found: "runs on 127.0.0.1:9, charged by its provider",
    });
  });

  it("reaches a host, with the key it will be used with", async () => {
    const emulator = await startEmulator({ apiKeys: [KEY] });
    const options = { baseUrl: emulator.url };
    expect(await found("base URL", options)).toMatchObject({
      state: "missing",
      found: expect.stringContaining("401") as string,
    });
    vi.stubEnv("OPENAI_API_KEY", KEY);
    expect(await found("base URL", options)).toMatchObject({ state: "ok" });
    await emulator.close();
    expect(await found("base URL", options)).toMatchObject({
      state: "missing",
      found: expect.stringContaining("does not answer") as string,
    });
  });

  it("takes a host that answers without models for reachable", async () => {
    const server = createServer((_request, response) => response.writeHead(404).end());
    const { promise: listening, resolve } = Promise.withResolvers<undefined>();
    server.listen(0, "127.0.0.1", () => {
      resolve(undefined);
    });
    await listening;
    const { port } = server.address() as AddressInfo;
    const baseUrl = `http://127.0.0.1:${String(port)}/v1/`;
    expect(await found("base URL", { baseUrl })).toMatchObject({
      state: "warning",
      found: `127.0.0.1:${String(port)} answers with 404`,
    });
    server.close();
  });

  it("refuses an address that is none", async () => {
    expect(await found("base URL", { baseUrl: "localhost" })).toMatchObject({
      state: "missing",
      found: 'The base URL "localhost" is not an http or https address.',
    });
  });
});
