import { describe, expect, it } from "vitest";
import type { AnswerForm } from "../../src/core/form.ts";
import type { Params, Request } from "../../src/core/request.ts";
import { PROMPT_SCHEMA_DIALECT } from "../../src/core/schema-dialect.ts";
import {
  CHAT_SETTINGS,
  OPENAI_DIALECT,
  type ChatDialect,
} from "../../src/provider/openai-dialect.ts";
import { chatLines, endpointOfLine } from "../../src/provider/openai-lines.ts";
import { request, spec } from "./support.ts";

type Json = Readonly<Record<string, unknown>>;

const LABELS: AnswerForm = { kind: "labels", labels: [{ name: "a" }, { name: "b" }] };
const VECTOR: AnswerForm = { kind: "embedding", dimensions: null };
const OPENAI = chatLines(OPENAI_DIALECT);
const RESPONSES = chatLines(OPENAI_DIALECT, "responses");
const PLAIN: ChatDialect = {
  provider: "plainhost",
  layout: "body",
  maxTokens: "max_tokens",
  structured: "json_object",
  schemas: PROMPT_SCHEMA_DIALECT,
  settings: new Set(["maxTokens", "temperature"]),
  promptCacheKey: false,
  images: false,
  files: false,
  embeddings: null,
  responses: false,
};

function bodyOf(line: string): Json {
  return (JSON.parse(line) as { body: Json }).body;
}

function refusal(check: () => unknown): Json {
  try {
    check();
  } catch (error) {
    const { code, message, hint } = error as Json;
    return { code, message, hint };
  }
  throw new Error("Nothing was refused.");
}

describe("a request line", () => {
  const asked = request('Say "hi"\u2028\n');

  it.each([
    ["chat", OPENAI, asked, "/v1/chat/completions"],
    ["responses", RESPONSES, asked, "/v1/responses"],
    ["embeddings", OPENAI, request("x", { form: VECTOR }), "/v1/embeddings"],
    ["embeddings beside responses", RESPONSES, request("x", { form: VECTOR }), "/v1/embeddings"],
  ])("of %s begins with its id and names its endpoint", (_kind, lines, given, url) => {
    const line = lines.encode(given, "r-1-0");
    expect(line).toMatch(/^\{"custom_id":"r-1-0",/);
    expect(line).not.toContain("\n");
    expect(JSON.parse(line)).toMatchObject({ custom_id: "r-1-0", method: "POST", url });
    expect(bodyOf(line)["model"]).toBe("m");
    expect(endpointOfLine(line)).toBe(url);
  });

  it("under a new id differs in the id alone, which stays first", () => {
    const line = OPENAI.encode(asked, "r-1-0");
    expect(OPENAI.readdress(line, "r-22-0")).toBe(line.replace('"r-1-0"', '"r-22-0"'));
  });

  it.each([
    ["body", { custom_id: "r-1-0", body: { messages: [{}] } }],
    ["params", { custom_id: "r-1-0", params: { messages: [{}] } }],
  ] as const)("may be laid out with %s alone", (layout, laidOut) => {
    const line = chatLines({ ...PLAIN, layout }).encode(asked, "r-1-0");
    expect(Object.keys(JSON.parse(line) as Json)).toEqual(Object.keys(laidOut));
    expect(JSON.parse(line)).toMatchObject(laidOut);
    expect(endpointOfLine(line)).toBe("/v1/chat/completions");
  });
});

describe("the endpoint of a line made elsewhere", () => {
  it.each([
    [{ url: "/v1/moderations", body: {} }, "/v1/moderations"],
    [{ url: "/chat/completions", body: { input: "x" } }, "/chat/completions"],
    [{ body: { messages: [] } }, "/v1/chat/completions"],
    [{ body: { input: "x", encoding_format: "base64" } }, "/v1/embeddings"],
    [{ params: { input: "x", dimensions: 8 } }, "/v1/embeddings"],
    [{ body: { input: [{ role: "user", content: "x" }] } }, "/v1/responses"],
    [{}, "/v1/chat/completions"],
  ])("%j goes to %s", (line, url) => {
    expect(endpointOfLine(JSON.stringify(line))).toBe(url);
  });

  it("is chat completions for what is no JSON", () => {
    expect(endpointOfLine("import x")).toBe("/v1/chat/completions");
  });
});

describe("asking again in other words", () => {
  const cutOff = { code: "truncated", message: "Cut off.", retryable: false } as const;
  const unusable = {
    code: "invalid_output",
    message: "Not a label.",
    retryable: false,
  } as const;

  it.each([
    [{}, {}, ["invalid_output"]],
    [{ maxTokens: 5 }, {}, ["invalid_output", "truncated"]],
    [{}, { max_tokens: 5 }, ["invalid_output", "truncated"]],
    [{}, { max_completion_tokens: 5 }, ["invalid_output", "truncated"]],
    [{}, { max_output_tokens: 5 }, ["invalid_output", "truncated"]],
    [{}, { max_tokens: null }, ["invalid_output"]],
  ])("helps a cut-off answer only under a cap: %j and %j", (settings, params, codes) => {
    expect([...OPENAI.amendable({ ...spec(), settings, params })]).toEqual(codes);
  });

  it("never helps a vector", () => {
    const settings = { maxTokens: 5 };
    expect([...OPENAI.amendable({ ...spec(VECTOR), settings })]).toEqual([]);
  });

  it.each([
    ["chat", OPENAI, {}],
    ["responses", RESPONSES, {}],
    ["chat by parameter", OPENAI, { max_tokens: 50 }],
  ] as const)(
    "doubles the cap of a cut-off answer and nothing else: %s",
    (_kind, lines, params) => {
      const settings = "max_tokens" in params ? {} : { maxTokens: 50 };
      const line = lines.encode(request("x", { settings, params }), "r-1-0");
      const amended = line.replace('"r-1-0"', '"r-2-0"').replace(":50", ":100");
      expect(amended).toContain(":100");
      expect(lines.amend(line, "r-2-0", cutOff)).toBe(amended);
    },
  );

  it.each([
    ["chat", OPENAI, "messages"],
    ["responses", RESPONSES, "input"],
  ] as const)("says what was wrong with an unusable one: %s", (_kind, lines, member) => {
    const line = lines.encode(request("x", { settings: { maxTokens: 50 } }), "r-1-0");
    const amended = bodyOf(lines.amend(line, "r-2-0", unusable));
    const turns = amended[member] as readonly Json[];
    expect(turns).toHaveLength(2);
    expect(turns[0]).toEqual({ role: "user", content: "x" });
    expect(turns[1]).toMatchObject({ role: "user" });
    expect(turns[1]?.["content"]).toContain("Not a label.");
    expect({ ...amended, [member]: null }).toEqual({ ...bodyOf(line), [member]: null });
  });

  it("keeps the words of a line made elsewhere whose input is one text", () => {
    const line = '{"custom_id":"a","url":"/v1/responses","body":{"input":"hello"}}';
    const { input } = bodyOf(OPENAI.amend(line, "b", unusable));
    expect(input).toMatchObject([{ role: "user", content: "hello" }, { role: "user" }]);
  });

  it("reaches a body that lies under params", () => {
    const lines = chatLines({ ...PLAIN, layout: "params" });
    const line = lines.encode(request("x", { settings: { maxTokens: 50 } }), "r-1-0");
    const amended = JSON.parse(lines.amend(line, "r-2-0", cutOff)) as Json;
    expect(amended).toMatchObject({ custom_id: "r-2-0", params: { max_tokens: 100 } });
    expect(Object.keys(amended)).toEqual(["custom_id", "params"]);
  });
});

describe("what is refused before anything is sent", () => {
  const all: Request["settings"] = {
    ...{ maxTokens: 5, temperature: 0, topP: 0.5, seed: 1, stop: ["\n"], reasoning: "low" },
    ...{ tools: [{ name: "t", parameters: {} }], toolChoice: "auto" },
  };

  it("is nothing that chat completions have a field for", () => {
    expect(Object.keys(all).toSorted()).toEqual([...CHAT_SETTINGS].toSorted());
    for (const form of [{ kind: "text" } as const, LABELS])
      OPENAI.check({ ...spec(form), settings: all, promptCache: { key: "k" } });
    OPENAI.check(spec({ kind: "embedding", dimensions: 8 }));
    expect(bodyOf(OPENAI.encode(request("x", { settings: all }), "a"))).toMatchObject({ seed: 1 });
  });

  it.each([
    ["seed", "openai", RESPONSES, spec(), { seed: 1 }],
    ["stop", "openai", RESPONSES, spec(), { stop: ["x"] }],
    ["topP", "plainhost", chatLines(PLAIN), spec(), { topP: 1 }],
    ["reasoning.budgetTokens", "openai", OPENAI, spec(), { reasoning: { budgetTokens: 9 } }],
    ["temperature", "openai's embeddings", OPENAI, spec(VECTOR), { temperature: 0 }],
    ["tools", "openai's embeddings", OPENAI, spec(VECTOR), { tools: [] }],
  ] as const)("is %s, by %s", (name, provider, lines, asked, settings) => {
    const refused = refusal(() => {
      lines.check({ ...asked, settings });
    });
    expect(refused["code"]).toBe("setting_unsupported");
    expect(refused["message"]).toMatch(new RegExp(`^${provider}.* takes no ${name}`));
    expect(refused["message"]).toContain("Nothing was sent.");
  });

  it.each([
    ["ttl", OPENAI, spec(), /only key is read/],
    ["system", RESPONSES, spec(), /only key is read/],
    ["key", chatLines(PLAIN), spec(), /plainhost takes no promptCache\.key/],
    ["key", OPENAI, spec(VECTOR), /embeddings endpoint takes no promptCache\.key/],
  ])("is a prompt cache's %s where it would change nothing", (name, lines, asked, why) => {
    const refused = refusal(() => {
      lines.check({ ...asked, promptCache: { [name]: name === "key" ? "k" : true } });
    });
    expect(refused["code"]).toBe("setting_unsupported");
    expect(refused["message"]).toMatch(why);
    expect(refused["message"]).toContain(`promptCache.${name}`);
  });

  it("is a vector where the host makes none", () => {
    const check = (): void => {
      chatLines(PLAIN).check(spec(VECTOR));
    };
    expect(refusal(check)).toMatchObject({ code: "output_unsupported" });
  });

  it.each<[string, Params]>([
    ["stream", { stream: true }],
    ["n", { n: 2 }],
  ])("is the parameter %s", (name, params) => {
    const refused = refusal(() => {
      OPENAI.check({ ...spec(), params });
    });
    expect(refused).toMatchObject({
      code: "params_unsupported",
      hint: `Leave ${name} out of params.`,
    });
    OPENAI.check({ ...spec(), params: { stream: false, n: 1 } });
  });

  it.each([
    ["a choice without tools", { toolChoice: "required" }],
    ["a choice of a tool that is not there", { tools: all.tools, toolChoice: { tool: "x" } }],
  ] as const)("is %s", (_what, settings) => {
    const refused = refusal(() => {
      OPENAI.check({ ...spec(), settings: settings as Request["settings"] });
    });
    expect(refused).toMatchObject({ code: "setting_unsupported" });
  });

  it("is the responses endpoint of a host without one", () => {
    const refused = refusal(() => chatLines(PLAIN, "responses"));
    expect(refused).toMatchObject({ code: "option_unsupported" });
  });
});
