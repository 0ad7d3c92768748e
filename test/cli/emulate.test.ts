import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folder, KEY, REVIEWS, start } from "./support.ts";

/** Starts `emulate --json` and gives its address and the way to end it. */
async function serving(
  cwd: string,
  words: readonly string[],
): Promise<{ readonly url: string; readonly stop: () => Promise<string> }> {
  const running = start(cwd, ["emulate", "--port", "0", "--json", ...words]);
  let printed = "";
  running.child.stdout.on("data", (data: Buffer) => (printed += data.toString()));
  await running.printed("}\n");
  const { url } = JSON.parse(printed) as { readonly url: string };
  const stop = async (): Promise<string> => {
    running.child.kill("SIGINT");
    const ended = await running.ended;
    expect(ended.code).toBe(0);
    return ended.stderr;
  };
  return { url, stop };
}

async function ask(url: string, body: object): Promise<{ status: number; content: unknown }> {
  const response = await fetch(`${url}/chat/completions`, {
    method: "POST",
    headers: { authorization: "Bearer x", "content-type": "application/json" },
    body: JSON.stringify({ model: "m", ...body }),
  });
  const reply = (await response.json()) as { choices?: { message: { content: unknown } }[] };
  return { status: response.status, content: reply.choices?.[0]?.message.content };
}

const hello = { messages: [{ role: "user", content: "hello" }] };

describe("emulate", () => {
  it("answers a run from a table, and tells at the end what it did", async () => {
    const cwd = folder({ "in.csv": REVIEWS, "t.json": '{"02139": "Boston"}' });
    const { url, stop } = await serving(cwd, ["--answer", "table:t.json", "--seed", "3"]);
    const words = ["run", "in.csv", "-p", "{{ zip }}", "-c", "city", "-m", "openai/x", "--yes"];
    const more = ["--poll", "20ms", "-n", "1", "-q", "--base-url", url];
    expect((await cli(cwd, [...words, ...more], { OPENAI_API_KEY: KEY })).code).toBe(0);
    expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toContain("02139,Boston,ok,");
    const told = await stop();
    expect(told).toContain(`export OPENAI_BASE_URL=${url}`);
    expect(told).toContain("1 batches, 1 rows executed");
  });

  it("answers with the embedded model, and refuses what that cannot do", async () => {
    const { url, stop } = await serving(folder(), ["--answer", "embedded"]);
    const schema = {
      type: "object",
      properties: { label: { type: "string", enum: ["positive", "negative"] } },
    };
    const format = { type: "json_schema", json_schema: { name: "a", schema } };
    const praise = { messages: [{ role: "user", content: "I love this, it is wonderful!" }] };
    const answer = await ask(url, { ...praise, response_format: format });
    expect(answer).toEqual({ status: 200, content: '{"label":"positive"}' });
    expect((await ask(url, hello)).status).toBe(400);
    await stop();
  });

  it("forwards to another service", async () => {
    const behind = await serving(folder(), []);
    const words = ["--answer", `forward:${behind.url}/chat/completions`];
    // The service behind wants a key that a forward does not send: its refusal is the row's.
    const front = await serving(folder(), words);
    expect((await ask(front.url, hello)).status).toBe(401);
    await front.stop();
    await behind.stop();
  });

  it("misbehaves as the flags say, those of their own over --faults", async () => {
    const words = ["--faults", '{"error429": {"count": 1}, "dropRows": 1}', "--drop-rows", "0.25"];
    const { url, stop } = await serving(folder(), words);
    expect((await ask(url, hello)).status).toBe(429);
    expect(await ask(url, hello)).toEqual({ status: 200, content: "hello" });
    expect(await stop()).toContain('error429 {"count":1}, dropRows 0.25');
  });

  it.each([
    [["--answer", "oracle"], "oracle"],
    [["--answer", "table:none.json"], "none.json"],
    [["--faults", "[1]"], "not a JSON object"],
    [["--faults", '{"dropRow": 1}'], "dropRow"],
    [["--drop-rows", "2"], "0 to 1"],
    [["--port", "x"], "65535"],
  ])("refuses %j", async (words, says) => {
    const ended = await cli(folder(), ["emulate", "--port", "0", ...words]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain(says);
  });

  it("refuses a port that is taken", async () => {
    const { url, stop } = await serving(folder(), []);
    const ended = await cli(folder(), ["emulate", "--port", new URL(url).port]);
    expect(ended.code).toBe(2);
    expect(ended.stderr).toContain("is in use by another process");
    await stop();
  });

  it.each([
    ["--fenced-rows", /^```json\n\{"n":/],
    ["--wrong-shape-rows", /^\{"n":\[\["wrong"\]\]\}$/],
    ["--duplicate-key-rows", /^\{"n":null,"n":/],
    ["--deep-rows", /^(?:\{"deep":){199}\{\}/],
    ["--huge-rows", /^\{ {1048576}"n":/],
  ])("misshapes structured answers with %s", async (flag, expected) => {
    const { url, stop } = await serving(folder(), [flag, "1"]);
    const schema = { type: "object", properties: { n: { type: "integer" } }, required: ["n"] };
    const response_format = { type: "json_schema", json_schema: { name: "a", schema } };
    const { content } = await ask(url, { ...hello, response_format });
    expect(content).toMatch(expected);
    await stop();
  });
});
