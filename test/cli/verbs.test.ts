import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { saying } from "../verbs/support.ts";
import { cli, emulated, folder, pointedAt, runsIn } from "./support.ts";

let emulator: Emulator;

beforeEach(async () => {
  emulator = await emulated({ answer: saying((text) => answerOf(text)) });
});
afterEach(async () => {
  await emulator.close();
});

let answerOf: (text: string) => unknown = (text) => text;
const MAILS = "id,body\n1,Paid twice please refund\n2,Lovely shop\n3,\n";
const MODEL = ["-m", "openai/gpt-5-mini", "--poll", "50ms", "--yes"];

/** Runs a command over the mails; gives the written file and what was printed. */
async function over(verb: string, ...flags: readonly string[]) {
  const cwd = folder({ "mails.csv": MAILS, "few.csv": FEW });
  const words = [verb, "mails.csv", "-o", "out.csv", ...MODEL, ...flags];
  const ended = await cli(cwd, words, pointedAt(emulator));
  const written =
    ended.code === 0 || ended.code === 3 ? readFileSync(join(cwd, "out.csv"), "utf8") : "";
  return { ...ended, written, cwd };
}

const FEW = "body,output\nlate again,7\n";

describe("the verbs", () => {
  it("classify: several labels, and others", async () => {
    answerOf = (text) => ({ labels: text.includes("refund") ? ["money", "angry"] : [] });
    const flags = ["--text", "body", "--labels", "money,praise", "--multi", "--allow-other"];
    const { code, written } = await over("classify", ...flags);
    expect([code, written]).toEqual([
      0,
      'id,body,label,label_status,label_error\n1,Paid twice please refund,"[""money"",""angry""]",ok,\n' +
        "2,Lovely shop,[],ok,\n3,,,skipped,\n",
    ]);
  });

  it("extract: fields with the words that say them", async () => {
    answerOf = (text) => ({
      answer: { times: 2, place: { shop: true } },
      quotes: { times: text.includes("twice") ? "Paid twice" : "invented", place: null },
    });
    const schema = JSON.stringify({
      type: "object",
      required: ["times", "place"],
      properties: {
        times: { type: "integer" },
        place: {
          type: "object",
          required: ["shop"],
          properties: { shop: { type: "boolean" } },
          additionalProperties: false,
        },
      },
      additionalProperties: false,
    });
    const flags = ["--text", "body", "--schema", schema, "--quotes", "--flatten", "2", "-c", "x"];
    const { code, written, stderr } = await over("extract", ...flags);
    expect(code).toBe(0);
    expect(written.split("\n").slice(0, 3)).toEqual([
      "id,body,x_times,x_place_shop,x_times_quote,x_place_quote,x_status,x_error",
      "1,Paid twice please refund,2,true,Paid twice,,ok,",
      "2,Lovely shop,2,true,,,ok,",
    ]);
    expect(stderr).toContain("1 quote does not occur in the row's text");
  });

  it("filter: booleans, or the rows alone, and the receipt says how many", async () => {
    answerOf = (text) => ({ answer: text.includes("refund") });
    const asked = ["--text", "body", "--condition", "asks for money back"];
    expect((await over("filter", ...asked)).written).toBe(
      "id,body,keep,keep_status,keep_error\n1,Paid twice please refund,true,ok,\n" +
        "2,Lovely shop,false,ok,\n3,,,skipped,\n",
    );
    const kept = await over("filter", ...asked, "--keep-rows", "--json");
    expect(kept.written).not.toContain("Lovely");
    expect(kept.written).toContain("3,,,skipped,");
    expect(kept.stderr).toContain("2 rows, 1 of them without an answer · 1 left out");
    expect(JSON.parse(kept.stdout)).toMatchObject({
      kept: { rows: 2, unanswered: 1, leftOut: 1 },
    });
    const sure = await over("filter", ...asked, "--keep-rows", "--failed", "drop");
    expect(sure.written.trim().split("\n")).toHaveLength(2);
    expect((await over("filter", ...asked, "--failed", "drop")).code).toBe(2);
  });

  it("score, translate, summarize: numbers and texts under their own names", async () => {
    answerOf = (text) => ({ answer: text.length / 2 });
    const score = await over("score", "--text", "body", "--by", "length", "--range", "0..20.5");
    expect(score.written).toContain("id,body,score,score_status");
    expect(score.written).toContain("refund,12,ok");
    answerOf = (text) => text.toUpperCase();
    const to = await over("translate", "--text", "body", "--to", "capitals");
    expect(to.written).toContain("2,Lovely shop,LOVELY SHOP,ok,\n");
    expect(to.written).toMatch(/^id,body,translation,translation_status/);
    const sum = await over("summarize", "--text", "body", "--words", "3");
    expect(sum.written).toMatch(/^id,body,summary,summary_status/);
  });

  it("embed: vectors", async () => {
    await emulator.close();
    emulator = await emulated();
    const flags = ["--text", "body", "--dimensions", "3", "-m", "openai/text-embedding-3-small"];
    const { code, written } = await over("embed", ...flags);
    expect(code).toBe(0);
    expect(written).toMatch(/^id,body,embedding,embedding_status/);
    expect(written).toMatch(/Lovely shop,"\[-?[\d.e-]+,-?[\d.e-]+,-?[\d.e-]+\]",ok,/);
  });

  it("have help with an example each, and are suggested when misspelt", async () => {
    const cwd = folder();
    for (const verb of [
      "classify",
      "extract",
      "filter",
      "score",
      "translate",
      "summarize",
      "embed",
    ]) {
      const { code, stdout } = await cli(cwd, [verb, "--help"]);
      expect([verb, code]).toEqual([verb, 0]);
      expect(stdout).toContain(`\nExample:\n  batchframe ${verb} `);
      for (const flag of ["--print-prompt", "--meta", "--on-long", "--price", "--few-shot"])
        expect(stdout).toContain(flag);
    }
    expect((await cli(cwd, ["sumarize"])).stderr).toContain("summarize");
    const missing = await cli(cwd, ["score", "x.csv", "--text", "a"]);
    expect([missing.code, missing.stderr]).toEqual([2, expect.stringContaining("--by")]);
  });
});

describe("--print-prompt", () => {
  it("prints the exact messages of a row, without a model or a key, and sends nothing", async () => {
    const cwd = folder({ "mails.csv": MAILS, "few.csv": FEW });
    const words = [
      "score",
      "mails.csv",
      "--text",
      "body",
      "--by",
      "how late",
      "--few-shot",
      "few.csv",
    ];
    const { code, stdout } = await cli(cwd, [...words, "--print-prompt", "2"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^system:\nScore the text between the marks from 0 to 10: how late\..*\n\nuser:\n\[text (\w+)\]\nlate again\n\[\/text \1\]\n\nassistant:\n\{"answer":7\}\n\nuser:\n\[text (\w+)\]\nLovely shop\n\[\/text \2\]\n\nanswer as JSON Schema:\n\{/,
    );
    const json = await cli(cwd, [...words, "--print-prompt", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      row: 1,
      messages: [{ role: "system" }, {}, {}, {}],
    });
    const blank = await cli(cwd, [...words, "--print-prompt", "3"]);
    expect([blank.code, blank.stderr]).toEqual([
      2,
      expect.stringContaining("Row 3 would not be asked"),
    ]);
    expect(runsIn(cwd)).toEqual([]);
    expect(emulator.requests()).toEqual([]);
  });

  it("prints what run asks as well", async () => {
    const cwd = folder({ "mails.csv": MAILS });
    const words = ["run", "mails.csv", "-p", "Say {{ body }}", "-s", "Be kind.", "--print-prompt"];
    expect((await cli(cwd, words)).stdout).toBe(
      "system:\nBe kind.\n\nuser:\nSay Paid twice please refund\n",
    );
  });
});

describe("what run answers", () => {
  it("may be a schema, from the flag or from a module", async () => {
    answerOf = () => ({ n: 2 });
    const inline = await over("run", "-p", "{{ body | fence }}", "--schema", "n: int");
    expect(inline.written).toContain("id,body,enriched_n,enriched_status");
    const cwd = folder({
      "mails.csv": MAILS,
      "schema.mjs":
        "export const mail = { jsonSchema: { type: 'object', properties: { n: { type: 'integer' } } } };",
    });
    const words = [
      "run",
      "mails.csv",
      "-p",
      "{{ body }}",
      "--schema",
      "./schema.mjs#mail",
      ...MODEL,
    ];
    expect((await cli(cwd, words, pointedAt(emulator))).code).toBe(0);
    expect(readFileSync(join(cwd, "mails.enriched.csv"), "utf8")).toContain("enriched_n");
  });

  it("has one form", async () => {
    const ask = async (...flags: readonly string[]) =>
      await over("run", "-p", "{{ body }}", ...flags);
    const both = await ask("--labels", "a,b", "--schema", "n: int");
    expect([both.code, both.stderr]).toEqual([
      2,
      expect.stringContaining("--labels and --schema do not go together"),
    ]);
    const none = await ask("--multi");
    expect([none.code, none.stderr]).toEqual([2, expect.stringContaining("there are none")]);
    expect(emulator.requests()).toEqual([]);
  });
});

describe("what is told of answers", () => {
  it("stands after the status, and the receipt has the cost", async () => {
    answerOf = (text) => text;
    const meta = ["--meta", "attempts,finish_reason, cost", "--price", "in=1000,out=1000,batch=1"];
    const { code, written, stderr } = await over(
      "translate",
      "--text",
      "body",
      "--to",
      "x",
      ...meta,
    );
    expect(code).toBe(0);
    const [head = "", first = "", second = "", blank = ""] = written.split("\n");
    expect(head).toMatch(/_error,translation_attempts,translation_finish_reason,translation_cost$/);
    expect(first).toMatch(/,ok,,1,stop,0\.\d+$/);
    expect(blank).toBe("3,,,skipped,,,,");
    const paid = [first, second].map((line) => Number(line.split(",").at(-1)));
    const total = paid.reduce((sum, usd) => sum + usd, 0);
    expect(stderr).toContain(`cost      $${total.toFixed(2)} actual · `);
    expect(stderr).toContain("2 columns unchanged + translation, translation_status");
    expect(stderr).toContain("translation_cost");
  });

  it("is refused where there is no such thing, before anything is sent", async () => {
    const ask = async (...flags: readonly string[]) =>
      await over("summarize", "--text", "body", ...flags);
    expect((await ask("--meta", "cots")).stderr).toContain("cost");
    for (const flags of [
      ["--price", "in=1"],
      ["--price", "in=1,out=x"],
      ["--price", "in=1,out=2,up=3"],
    ])
      expect((await ask(...flags)).code).toBe(2);
    expect(emulator.requests()).toEqual([]);
  });

  it("says which texts were cut", async () => {
    answerOf = (text) => text;
    const flags = ["--text", "body", "--max-chars", "11", "--on-long", "truncate"];
    const { written, stderr } = await over("summarize", ...flags);
    expect(written).toContain(
      "1,Paid twice please refund,Paid twice,ok,,true\n2,Lovely shop,Lovely shop,ok,,false\n",
    );
    expect(stderr).toContain("1 row has a text longer than 11 characters");
    const failing = await over("summarize", "--text", "body", "--max-chars", "11");
    expect([failing.code, failing.written]).toEqual([
      3,
      expect.stringContaining("failed,too_long"),
    ]);
  });
});
