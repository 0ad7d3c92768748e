import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import type { Request } from "../../src/core/request.ts";
import type { Result } from "../../src/core/result.ts";
import type { JsonSchema } from "../../src/core/schema.ts";
import { usualThreads } from "../../src/provider/gguf-model.ts";
import { installCommand } from "../../src/provider/gguf-package.ts";
import { openModel } from "../../src/provider/models.ts";
import { spawned } from "../setup/spawned.ts";
import { writeTinyModel } from "./gguf-fixture.ts";
import { request } from "./support.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
// The first time, the package is fetched.
const PATIENCE_MS = 300_000;

/** The results of some batches, from a process that can run GGUF models. */
async function ask(batches: readonly (readonly Request[])[]): Promise<readonly Result[][]> {
  const { ended } = spawned(
    process.execPath,
    ["scripts/with-llama.mjs", "node", "test/provider/gguf-child.ts"],
    { cwd: ROOT, stdin: JSON.stringify(batches), env: { ...process.env, CI: "1" } },
  );
  const { code, stdout, stderr } = await ended;
  if (code !== 0) throw new Error(`The child ended with ${String(code)}: ${stderr}`);
  return JSON.parse(stdout) as Result[][];
}

const labels = (text: string, names: readonly string[]): Request =>
  request(text, { form: { kind: "labels", labels: names.map((name) => ({ name })) } });
const capped = { settings: { maxTokens: 6 } };
const COLOURS = ["red", "green", "blue", "black", "white", "brown", "pink", "grey"];
const PRINTABLE = Array.from({ length: 95 }, (_, at) => String.fromCharCode(32 + at));

const heated = (seed: number): Request["settings"] => ({ temperature: 2, seed });

const SHAPE: JsonSchema = {
  type: "object",
  properties: {
    kind: { type: ["string", "null"], enum: ["a", "b", null] },
    inner: {
      type: ["object", "null"],
      properties: { size: { type: "integer", enum: [1, 2] } },
      required: ["size"],
    },
    flags: { type: "array", items: { type: "boolean" }, minItems: 2, maxItems: 2 },
    note: {
      anyOf: [
        { type: "boolean", const: true },
        { type: "string", const: "x" },
      ],
    },
  },
  required: ["kind", "inner", "flags", "note"],
};

/** The same question as heat and chance would have it answered. */
const drawn = (seed: number): Request => ({
  ...labels("Which colour?", COLOURS),
  settings: { temperature: 2, seed },
});

describe("a GGUF model", () => {
  let [chosen, written, odd, drawings, embedded, shaped]: readonly Result[][] = [];
  beforeAll(async () => {
    [chosen, written, odd, drawings, embedded, shaped] = await ask([
      Array.from({ length: 12 }, (_, at) => labels(`Text ${String(at)}`, ["red", "green"])),
      [
        request("Say something.", capped),
        request("Say something.", capped),
        request("Say something.", {
          messages: [
            { role: "system", content: "You are loud." },
            { role: "user", content: "Hello." },
            { role: "assistant", content: "HELLO." },
            { role: "user", content: [{ type: "text", text: "Say something." }] },
          ],
          ...capped,
        }),
      ],
      [
        request("far too long ".repeat(2000)),
        labels("Still here", ["yes", "no"]),
        request("Say something.", { settings: { stop: PRINTABLE } }),
      ],
      [1, 2, 3, 4, 5, 6, 7, 8, 1, 2].map(drawn),
      ["one text", "one text", "another"].map((text) =>
        request(text, { form: { kind: "embedding", dimensions: null } }),
      ),
      Array.from({ length: 12 }, (_, seed) =>
        request("Which?", { form: { kind: "object", schema: SHAPE }, settings: heated(seed) }),
      ),
    ]);
  }, PATIENCE_MS);

  it("keeps to a schema, and to either branch of a union in it", () => {
    const answers = (shaped ?? []).map((result) => {
      if (result.status !== "succeeded") throw new Error(JSON.stringify(result));
      return JSON.parse(result.text) as { readonly inner: object | null };
    });
    for (const answer of answers) {
      expect(Object.keys(answer)).toEqual(["kind", "inner", "flags", "note"]);
      expect(answer).toEqual({
        kind: expect.toBeOneOf(["a", "b", null]) as string,
        inner: expect.toBeOneOf([null, { size: expect.toBeOneOf([1, 2]) as number }]) as object,
        flags: [expect.any(Boolean), expect.any(Boolean)],
        note: expect.toBeOneOf([true, "x"]) as string,
      });
    }
    expect(answers.some(({ inner }) => inner === null)).toBe(true);
    expect(answers.some(({ inner }) => inner !== null)).toBe(true);
  });

  it("answers with a label whatever it would rather say, under every id", () => {
    expect(chosen?.map(({ customId }) => customId)).toEqual(
      Array.from({ length: 12 }, (_, at) => `rabcdefg-1-${String(at).padStart(3, "0")}`),
    );
    for (const result of chosen ?? []) {
      if (result.status !== "succeeded") throw new Error(JSON.stringify(result));
      const answer = JSON.parse(result.text) as { label: string };
      expect(["red", "green"]).toContain(answer.label);
      expect(result.model).toBe("tiny.gguf");
      expect(result.usage?.inputTokens).toBeGreaterThan(0);
      expect(result.usage?.outputTokens).toBeGreaterThan(0);
    }
  });

  it("says when an answer was cut off at its cap, and what it used", () => {
    expect(written).toHaveLength(3);
    for (const result of written ?? [])
      expect(result).toMatchObject({
        status: "failed",
        failure: { code: "truncated" },
        usage: { outputTokens: 6 },
      });
  });

  it("counts the whole conversation", () => {
    const tokens = (written ?? []).map(({ usage }) => usage?.inputTokens ?? 0);
    expect(tokens[0]).toBe(tokens[1]);
    expect(tokens[2]).toBeGreaterThan(tokens[0] ?? 0);
  });

  it("refuses a prompt it has no room for, instead of forgetting its beginning", () => {
    expect(odd?.[0]).toMatchObject({ status: "failed", failure: { code: "too_long" } });
    expect(odd?.[1]).toMatchObject({ status: "succeeded" });
  });

  it("stops before the texts it was told to stop at", () => {
    const stopped = odd?.[2];
    if (stopped?.status !== "succeeded") throw new Error(JSON.stringify(stopped));
    expect(PRINTABLE.filter((one) => stopped.text.includes(one))).toEqual([]);
  });

  it("draws its answers by seed where it is given heat", () => {
    const texts = (drawings ?? []).map((result) =>
      result.status === "succeeded" ? result.text : "",
    );
    expect(texts.slice(8)).toEqual(texts.slice(0, 2));
    expect(new Set(texts).size).toBeGreaterThan(1);
  });

  it("turns texts into vectors, the same text into the same", () => {
    const vectors = (embedded ?? []).map((result) =>
      result.status === "succeeded" ? result.embedding : undefined,
    );
    expect(vectors[0]).toHaveLength(64);
    expect(vectors[0]).toEqual(vectors[1]);
    expect(vectors[0]).not.toEqual(vectors[2]);
  });
});

describe("opening a GGUF model", () => {
  it("names the command that installs the package where it is missing", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "gguf-")), "tiny.gguf");
    await writeTinyModel(path);
    const error: unknown = await openModel(`gguf:${path}`).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(InputError);
    expect(error).toMatchObject({ code: "package_missing" });
    expect((error as InputError).hint).toContain("npm i ");
  });

  it.each([
    ["linux", "x64", "npm i --omit=optional node-llama-cpp @node-llama-cpp/linux-x64"],
    ["darwin", "arm64", "npm i --omit=optional node-llama-cpp @node-llama-cpp/mac-arm64-metal"],
    ["freebsd", "x64", "npm i node-llama-cpp"],
  ])("gives %s on %s its own command", (platform, arch, command) => {
    expect(installCommand(platform, arch)).toBe(command);
  });

  it("refuses what is no GGUF file, and what is not there", async () => {
    const path = join(await mkdtemp(join(tmpdir(), "gguf-")), "model.gguf");
    const unreadable = { code: "model_file_unreadable" };
    await expect(openModel(`gguf:${path}`)).rejects.toMatchObject(unreadable);
    await writeFile(path, "something else");
    await expect(openModel(`gguf/${path}`)).rejects.toMatchObject(unreadable);
  });

  it("refuses options that do nothing for it", async () => {
    const spec = { provider: "gguf", model: "x.gguf", baseUrl: "http://127.0.0.1:1/v1" };
    await expect(openModel(spec)).rejects.toMatchObject({ code: "option_unsupported" });
  });

  it("takes a single thread in CI", () => {
    vi.stubEnv("CI", "true");
    expect(usualThreads()).toBe(1);
    vi.stubEnv("CI", undefined);
    expect(usualThreads()).toBeGreaterThanOrEqual(1);
  });
});
