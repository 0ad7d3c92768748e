import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt } from "./support.ts";

let emulator: Emulator;

beforeEach(async () => {
  emulator = await emulated();
});
afterEach(async () => {
  await emulator.close();
});

const TOOL = {
  name: "lookup",
  description: "Looks a word up.",
  parameters: { type: "object", properties: { word: { type: "string" } }, required: ["word"] },
};
const FILES = {
  "in.csv": "id,text\n1,hello\n",
  "few.csv": "text,output\nhi,greeting\nbye,farewell\n",
  "named.csv": "text,answer,output\nhi,greeting,wrong\n",
  "none.csv": "text,label\nhi,greeting\n",
  "blank.csv": "text,output\nhi,\n",
  "tools.json": JSON.stringify([TOOL]),
  "wrapped.json": JSON.stringify([{ type: "function", function: TOOL }]),
};

type Body = Readonly<Record<string, unknown>>;

/** What `build` says for these flags: the first request's body, or the failure's exit code and words. */
async function built(model: string, ...flags: readonly string[]) {
  const words = ["build", "in.csv", "-p", "say {{ text }}", "-m", model, "-c", "answer", ...flags];
  const env = {
    ...pointedAt(emulator),
    ANTHROPIC_BASE_URL: emulator.urls.anthropic,
    ANTHROPIC_API_KEY: "test-key",
  };
  const { code, stdout, stderr } = await cli(folder(FILES), words, env);
  const line = code === 0 ? (JSON.parse(stdout.split("\n")[0] ?? "") as Body) : {};
  return { code, stderr, url: line["url"], body: (line["body"] ?? line["params"]) as Body };
}

describe("the flags of a call", () => {
  it("reach the request: sampling, caps, stops, reasoning", async () => {
    const { body } = await built(
      "openai/gpt-5-mini",
      ...["--max-tokens", "50", "--temperature", "0.5", "--top-p", "0.9", "--seed", "7"],
      ...["--stop", "END", "--stop", ",", "--reasoning", "low"],
    );
    expect(body).toMatchObject({
      max_completion_tokens: 50,
      temperature: 0.5,
      top_p: 0.9,
      seed: 7,
      stop: ["END", ","],
      reasoning_effort: "low",
    });
  });

  it("reach the request: tools from a file, bare or wrapped, and which one must be called", async () => {
    for (const file of ["@tools.json", "@wrapped.json", JSON.stringify([TOOL])]) {
      const { body } = await built("openai/x", "--tools", file, "--tool-choice", "lookup");
      expect(body).toMatchObject({
        tools: [{ type: "function", function: TOOL }],
        tool_choice: { type: "function", function: { name: "lookup" } },
      });
    }
    const { body } = await built("openai/x", "--tools", "@tools.json", "--tool-choice", "required");
    expect(body).toMatchObject({ tool_choice: "required" });
  });

  it("reach the request: examples, through the prompt, their answers in the column's own name or output", async () => {
    const { body } = await built("openai/x", "--few-shot", "few.csv");
    expect(body["messages"]).toMatchObject([
      { role: "user", content: "say hi" },
      { role: "assistant", content: "greeting" },
      { role: "user", content: "say bye" },
      { role: "assistant", content: "farewell" },
      { role: "user", content: "say hello" },
    ]);
    const named = await built("openai/x", "--few-shot", "named.csv");
    expect(named.body["messages"]).toMatchObject([{}, { content: "greeting" }, {}]);
  });

  it("reach the request: what the provider may keep", async () => {
    const anthropic = await built(
      "anthropic/claude-haiku-4-5",
      ...["-s", "Be brief.", "--max-tokens", "9", "--cache-system", "--cache-last", "1"],
      ...["--cache-ttl", "1h"],
    );
    const text = JSON.stringify(anthropic.body);
    expect(text.match(/"cache_control":\{"type":"ephemeral","ttl":"1h"\}/g)).toHaveLength(2);
    const openai = await built("openai/x", "--cache-key", "k");
    expect(openai.body).toMatchObject({ prompt_cache_key: "k" });
  });

  it("choose the endpoint, and vectors of a length", async () => {
    const responses = await built("openai/x", "--endpoint", "responses");
    expect(responses.url).toBe("/v1/responses");
    const vectors = await built("openai/text-embedding-3-small", "--embed", "64");
    expect([vectors.url, vectors.body]).toEqual([
      "/v1/embeddings",
      expect.objectContaining({ input: "say hello", dimensions: 64 }) as object,
    ]);
    const own = await built("openai/x", "--embed");
    expect([own.url, own.body["dimensions"]]).toEqual(["/v1/embeddings", undefined]);
  });

  it.each<[string, string, readonly string[]]>([
    ["a cache OpenAI has no place for", "openai/x", ["--cache-system"]],
    ["an endpoint Anthropic has not", "anthropic/claude-haiku-4-5", ["--endpoint", "responses"]],
    ["labels and vectors at once", "openai/x", ["--labels", "a,b", "--embed"]],
    ["tools that are none", "openai/x", ["--tools", "{}"]],
    ["a tool without parameters", "openai/x", ["--tools", '[{"name":"a"}]']],
    ["a tool that is chosen and not there", "openai/x", ["--tool-choice", "lookup"]],
    ["examples without answers", "openai/x", ["--few-shot", "none.csv"]],
    ["examples with a blank answer", "openai/x", ["--few-shot", "blank.csv"]],
    ["a level that is none", "openai/x", ["--reasoning", "very"]],
    ["a share past 1", "openai/x", ["--top-p", "2"]],
    ["a length that is none", "openai/x", ["--embed", "0"]],
    ["a flag that would do nothing here", "openai/x", ["--poll", "1s"]],
  ])("are refused where they ask for %s", async (_, model, flags) => {
    const { code, stderr } = await built(model, ...flags);
    expect(stderr).toContain("Nothing was sent");
    expect(code).toBe(2);
  });

  it("are remembered by the run, which goes on without them", async () => {
    const cwd = folder(FILES);
    const env = pointedAt(emulator);
    const flags = ["--max-tokens", "900", "--endpoint", "responses", "--few-shot", "few.csv"];
    const ask = ["in.csv", "-p", "{{ text }}", "-m", "openai/x", "--name", "r", ...flags];
    expect((await cli(cwd, ["build", ...ask, "-q"], env)).code).toBe(0);
    // Other flags are another run, never the old one in silence.
    const other = await cli(cwd, ["build", ...ask.slice(0, -2), "-q"], env);
    expect(other).toMatchObject({ code: 6 });
    const resumed = await cli(cwd, ["resume", "r", "--yes", "--poll", "20ms"], env);
    expect(resumed).toMatchObject({ code: 0 });
    const chat = await cli(cwd, ["build", ...ask.slice(0, -4), "--few-shot", "few.csv", "-q"], env);
    expect(chat).toMatchObject({ code: 6 });
  });
});
