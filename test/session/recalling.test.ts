import { describe, expect, it } from "vitest";
import type { NewRequest } from "../../src/core/plan.ts";
import { readingMark } from "../../src/output/reading-mark.ts";
import { OPENAI_DIALECT } from "../../src/provider/openai-dialect.ts";
import { chatLines } from "../../src/provider/openai-lines.ts";
import { recalling, type PlanningInput } from "../../src/session/planning.ts";
import { answerReading } from "../../src/session/settings.ts";
import { keptOf } from "../stages/support.ts";

const { parse } = chatLines(OPENAI_DIALECT);

const SETTINGS = {
  form: { kind: "labels", labels: [{ name: "good" }, { name: "bad" }] },
  validate: null,
  model: { provider: { id: "openai" }, model: "m" },
  cache: { reads: true, writes: true },
} as unknown as PlanningInput["settings"];

function lineOf(content: string): string {
  const message = { role: "assistant", content, refusal: null };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const usage = { prompt_tokens: 10, completion_tokens: 1, total_tokens: 11 };
  const body = { id: "c", object: "chat.completion", model: "m", choices, usage };
  const response = { status_code: 200, request_id: "r", body };
  return JSON.stringify({ id: "b", custom_id: "rabcdefg-1-0", response, error: null });
}

/** How often kept replies are parsed, how many bills are learnt from, and which are usable. */
async function tried(lines: readonly string[], reading: string | null) {
  let parsed = 0;
  let learnt = 0;
  const provider = {
    id: "openai",
    parse: (line: string) => {
      parsed += 1;
      return parse(line);
    },
  };
  const input = {
    settings: SETTINGS,
    ports: { provider },
    cache: { isEmpty: () => Promise.resolve(false), find: () => [] },
  } as unknown as PlanningInput;
  const finding = await recalling(input, { answered: () => (learnt += 1) });
  const request: NewRequest = { ordinal: 0, id: "", prompt: { messages: [], cells: [] } };
  const usable: boolean[] = [];
  const found = keptOf(lines, reading);
  for (const at of lines.keys())
    usable.push((await finding?.isUsable(found, at, request)) ?? false);
  return { parsed, learnt, usable };
}

const MARK = readingMark(answerReading(SETTINGS), "openai");

describe("kept replies", () => {
  it("are judged again where they were not accepted as they would be read now", async () => {
    const lines = [lineOf('{"label":"good"}'), lineOf('{"label":"none"}'), lineOf("{")];
    for (const reading of [null, "0".repeat(32)]) {
      const { usable, parsed } = await tried(lines, reading);
      expect(usable).toEqual([true, false, false]);
      expect(parsed).toBe(3);
    }
  });

  it("are taken as they are where they were, and some of their bills learnt from", async () => {
    expect(MARK).not.toBeNull();
    const lines = new Array<string>(6000).fill(lineOf('{"label":"good"}'));
    const { usable, parsed, learnt } = await tried(lines, MARK);
    expect(usable).not.toContain(false);
    expect(parsed).toBe(1050);
    expect(learnt).toBe(parsed);
  });
});
