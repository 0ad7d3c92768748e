/** What a provider promises of answers that are cut off, refused or unusable, and of what they cost. */

import assert from "node:assert/strict";
import { lineEncoder } from "../core/line-form.ts";
import { plainRequest } from "./asked.ts";
import { answerTo, failed, succeeded } from "./bench.ts";
import type { Promised } from "./runner.ts";

/** The promises of single answers, for providers that write. */
export function answerPromises(): readonly Promised[] {
  return [TRUNCATION, SECOND_TRY, REFUSAL, USAGE, NEW_ID, ALIKE];
}

const TRUNCATION: Promised = {
  name: "cuts an answer off at its most tokens, and once more with twice as many helps",
  needs: ["answers"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const asked = plainRequest("word ".repeat(24), { settings: { maxTokens: 16 } });
    const line = provider.encode(asked, "rabcdefg-1-0");
    const { failure, usage } = failed(await answerTo(bench, line));
    assert.deepEqual([failure.code, usage?.outputTokens], ["truncated", 16]);
    assert(provider.amendable(asked).has("truncated"), "A truncated answer would not be amended.");
    const again = succeeded(await answerTo(bench, provider.amend(line, "rabcdefg-2-0", failure)));
    assert.deepEqual([again.customId, again.text], ["rabcdefg-2-0", "word ".repeat(24)]);
  },
};

const SECOND_TRY: Promised = {
  name: "tells an unusable answer what was wrong with it",
  needs: ["answers"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const failure = { code: "invalid_output", message: "Not a word.", retryable: false } as const;
    const asked = plainRequest("text");
    assert(provider.amendable(asked).has("invalid_output"), "It would not be amended.");
    const line = provider.encode(asked, "rabcdefg-1-0");
    const again = succeeded(await answerTo(bench, provider.amend(line, "rabcdefg-2-0", failure)));
    assert(again.text.includes("Not a word."), again.text);
  },
};

const REFUSAL: Promised = {
  name: "gives a refusal as such",
  needs: ["faults"],
  holds: async (bench) => {
    const { provider } = await bench.start({ faults: { refuseRows: 1 } });
    const line = provider.encode(plainRequest("text"), "rabcdefg-1-0");
    assert.equal(failed(await answerTo(bench, line)).failure.code, "refused");
  },
};

const USAGE: Promised = {
  name: "counts cached and reasoning tokens among the others",
  needs: ["answers"],
  holds: async (bench) => {
    const usage = {
      promptTokens: 900,
      cachedTokens: 500,
      completionTokens: 70,
      reasoningTokens: 40,
    };
    const { provider } = await bench.start({ answer: () => ({ content: "yes", usage }) });
    const line = provider.encode(plainRequest("text"), "rabcdefg-1-0");
    const counted = succeeded(await answerTo(bench, line)).usage;
    assert.deepEqual(
      [
        counted?.inputTokens,
        counted?.cachedInputTokens,
        counted?.outputTokens,
        counted?.reasoningTokens,
      ],
      [900, 500, 70, 40],
    );
  },
};

const NEW_ID: Promised = {
  name: "reads a line under a new id as the same request",
  needs: ["answers"],
  holds: async (bench) => {
    const { provider } = await bench.start();
    const line = provider.encode(plainRequest("text"), "rabcdefg-1-0");
    const moved = await answerTo(bench, provider.readdress(line, "rabcdefg-7-0"));
    const { customId, text } = succeeded(moved);
    assert.deepEqual([customId, text], ["rabcdefg-7-0", "text"]);
  },
};

const TEXTS = [
  "",
  " ",
  '"',
  "\\n\n",
  "\u2028\u0000",
  "\ud800",
  "🙂 ⟦text⟧",
  "$& $1",
  "[]",
  "null",
  "é".repeat(9),
];

const ALIKE: Promised = {
  name: "writes lines that differ in id and text alone, where it says so",
  needs: [],
  holds: async (bench) => {
    const { provider } = await bench.start();
    if (provider.writesTextsAsJson !== true) return;
    const system = { role: "system", content: "Be brief." } as const;
    for (const form of [{ kind: "text" }, { kind: "labels", labels: [{ name: "a" }] }] as const) {
      const encodeLine = lineEncoder(
        (request, id) => provider.encode(request, id),
        plainRequest("", { form }),
      );
      for (const before of [[], [system]])
        for (const [at, text] of TEXTS.entries()) {
          const last = { role: "user", content: text } as const;
          const asked = plainRequest(text, { form, messages: [...before, last] });
          const id = `rabcdefg-1-${String(at)}`;
          assert.equal(encodeLine(asked, id), provider.encode(asked, id), JSON.stringify(text));
        }
    }
  },
};
