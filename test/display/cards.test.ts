import { describe, expect, it } from "vitest";
import type { EvalReport } from "../../src/core/evaluation.ts";
import type { Receipt } from "../../src/core/receipt.ts";
import type { Bundle } from "../../src/display/bundle.ts";
import { differenceBundle } from "../../src/display/difference.ts";
import { evaluationBundle } from "../../src/display/evaluation.ts";
import { planBundle } from "../../src/display/plan.ts";
import { idleBundle, progressBundle, stoppedBundle } from "../../src/display/progress.ts";
import { receiptBundle } from "../../src/display/receipt.ts";
import { rowsBundle } from "../../src/display/table.ts";
import { progressAt } from "./progress.ts";

const NASTY = `<img src=x onerror="alert(1)">\u001b[31m\u202e' & <script>1</script>`;

const RECEIPT: Receipt = {
  run: NASTY,
  models: [NASTY],
  rows: { total: 12_000, ok: 9000, cached: 2000, skipped: 700, failed: 300 },
  skippedBy: { blank: 700 },
  failedBy: { truncated: 200, refused: 100 },
  labels: { positive: 7000, [NASTY]: 4000, never: 0 },
  requests: 11_000,
  cached: 2000,
  duplicates: 1000,
  resent: 3,
  duplicateReplies: 1,
  unknownReplies: 0,
  usage: {
    inputTokens: 1_500_000,
    cachedInputTokens: 0,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    outputTokens: 80_000,
    reasoningTokens: 0,
  },
  costUsd: 1.234,
  batches: ["b"],
  output: NASTY,
  neutralisedCells: 2,
  warnings: [NASTY],
};

const EVALUATION: EvalReport = {
  n: 10,
  correct: 7,
  unanswered: 1,
  accuracy: 0.7,
  ci95: [0.4, 0.9],
  kappa: null,
  macroF1: 0.65,
  perLabel: [
    { label: NASTY, support: 6, precision: 0.8, recall: 0.7, f1: 0.75 },
    { label: "no", support: 4, precision: null, recall: 0.5, f1: 0.5 },
    { label: "only answered", support: 0, precision: 0, recall: null, f1: 0 },
  ],
  withoutGold: 3,
  confusion: [
    { gold: NASTY, pred: NASTY, rows: 5 },
    { gold: NASTY, pred: "only answered", rows: 1 },
    { gold: "no", pred: "no", rows: 3 },
    { gold: "no", pred: null, rows: 1 },
  ],
  disagreements: [{ row: 3, gold: NASTY, pred: NASTY, confidence: null }],
  parts: [{ value: NASTY, n: 10, accuracy: 0.7, ci95: [0.4, 0.9] }],
  costPerCorrectUsd: 0.0012,
};

const PLAN = {
  ...{ rows: 300, requests: 286, cached: 0, duplicates: 8, chunks: 1, bytes: 107_318 },
  skipped: { blank: 6, limit: 0, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
  rejected: { too_long: 2 },
  costUsd: { low: 1, expected: 1.2, high: 2.5 },
  realtimeCostUsd: { low: 2, expected: 2.4, high: 5 },
  inputTokens: 1234,
  outputTokens: { low: 10, expected: 20, high: 30 },
  warnings: [NASTY],
};

const ALL: Readonly<Record<string, Bundle>> = {
  receipt: receiptBundle(RECEIPT),
  "receipt of steps": receiptBundle({ ...RECEIPT, labels: null, steps: { [NASTY]: RECEIPT } }),
  evaluation: evaluationBundle(EVALUATION),
  difference: differenceBundle({
    ...{ rows: 10, changed: 2, agreement: 0.8, kappa: 0.6 },
    transitions: [{ from: NASTY, to: "", rows: 2 }],
  }),
  plan: planBundle(PLAN),
  "plan against": planBundle({
    ...PLAN,
    against: { ...PLAN, run: NASTY, rows: { kept: 1, again: 1, new: 0 } },
  }),
  progress: progressBundle(progressAt({ answered: 20, underway: 30, failed: 1 })),
  stopped: stoppedBundle(null, NASTY),
  idle: idleBundle(),
  rows: rowsBundle({
    columns: [NASTY, "n"],
    rows: [
      [NASTY, "1.5"],
      [null, "20"],
    ],
    rowCount: 1000,
  }),
};

describe.each(Object.entries(ALL))("the %s shown in a notebook", (_name, bundle) => {
  const page = bundle["text/html"];
  const plain = bundle["text/plain"];

  it("runs nothing, loads nothing and lets no cell be markup", () => {
    const tags = [...page.matchAll(/<\/?([a-z]+)/g)].map(([, tag]) => tag);
    const known = /^(style|div|span|table|thead|tbody|tr|th|td|svg|desc|rect|text)$/;
    expect(tags.filter((tag) => !known.test(tag ?? ""))).toEqual([]);
    const attributes = [...page.matchAll(/<[a-z]+((?: [a-z-]+="[^"<>]*")*) ?\/?>/gi)].length;
    expect(attributes).toBe([...page.matchAll(/<[a-z]/g)].length);
    expect(page).not.toMatch(/https?:|url\(|@import|<[^>]* (on\w+|src|href)=/i);
  });

  it("closes every tag it opens", () => {
    const open: string[] = [];
    for (const [, end, tag = "", rest] of page.matchAll(/<(\/?)([a-z]+)([^>]*)>/g))
      if (end === "/") expect(open.pop()).toBe(tag);
      else if (!(rest ?? "").endsWith("/")) open.push(tag);
    expect(open).toEqual([]);
  });

  it("has a form without markup, which no terminal acts on", () => {
    expect(plain.length).toBeGreaterThan(10);
    expect(plain).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
    expect(plain).not.toContain("&lt;");
  });
});

// What pages stand on: the themes of JupyterLab, VS Code and a code host, light and dark.
const GROUNDS = ["#ffffff", "#f6f8fa", "#1f1f1f", "#181818", "#111111", "#0d1117"];

/** How much light a colour gives off, 0 to 1, as WCAG counts it. */
function lightOf(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const share = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [lightOf(one), lightOf(other)].toSorted((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe("a card on whatever page", () => {
  const page = receiptBundle(RECEIPT)["text/html"];

  it("has colours that stand out on light and dark alike, as a theme need not be the system's", () => {
    const colours = [...page.matchAll(/(?:#[0-9a-f]{6})\b/g)].map(([colour]) => colour);
    expect(new Set(colours).size).toBeGreaterThanOrEqual(3);
    for (const colour of colours)
      for (const ground of GROUNDS)
        expect(contrast(colour, ground), `${colour} on ${ground}`).toBeGreaterThan(3.5);
    expect(page).not.toContain("prefers-color-scheme");
    // Texts have the page's own colour.
    expect(page.match(/[{;" ]color: ?[^;}"]+/g)).toEqual([
      " color: inherit",
      " color: var(--bf-good)",
      " color: var(--bf-bad)",
      " color: inherit",
    ]);
  });

  it("keeps dollars from being set as a formula", () => {
    for (const { "text/html": html } of Object.values(ALL))
      expect(html).toMatch(/^<div class="batchframe tex2jax_ignore mathjax_ignore">/);
  });

  it("keeps its bars and its columns where style sheets and drawings are dropped", () => {
    // What JupyterLab does with a notebook that it does not trust.
    const left = page
      .replace(/<style>.*?<\/style>/g, "")
      .replace(/<\/?(svg|desc|rect)\b[^>]*>/g, "");
    expect(left).toContain(`>${"█".repeat(24)}</td>`);
    expect(left).toContain(`>${"█".repeat(14)}</td>`);
    const cells = [...left.matchAll(/<t[hd][^>]*>/g)].map(([tag]) => tag);
    expect(cells.length).toBeGreaterThan(10);
    for (const tag of cells) expect(tag).toMatch(/ style="text-align:(left|right)/);
  });
});

describe("a receipt in a notebook", () => {
  it("says what became of every row, the cost, the model and each label's share", () => {
    const plain = receiptBundle({ ...RECEIPT, models: ["a/b", "c/d"], output: "out.csv" });
    expect(plain["text/plain"].split("\n").slice(0, 8)).toEqual([
      "! 12,000 rows = 9,000 ok + 2,000 cached + 700 skipped + 300 failed",
      "  cost     $1.23 · 1,500,000 tokens in, 80,000 out",
      "  model    a/b, c/d",
      "  skipped  700 blank",
      "  failed   200 truncated · 100 refused",
      "  wrote    out.csv",
      `  positive                        7,000  63.6 %  ${"█".repeat(24)}`,
      `  <img src=x onerror="alert(1)"…  4,000  36.4 %  ${"█".repeat(14)}`,
    ]);
  });

  it("says that a price is not known, and what a run with rows kept left out", () => {
    const kept = { rows: 5, unanswered: 1, leftOut: 7 };
    const plain = receiptBundle({ ...RECEIPT, costUsd: null, kept })["text/plain"];
    expect(plain).toContain("cost     unknown · ");
    expect(plain).toContain("; 5 kept, 7 left out");
  });
});

describe("an evaluation in a notebook", () => {
  it("says the figures, and which answers were given where another was right", () => {
    const { "text/plain": plain, "text/html": page } = evaluationBundle({
      ...EVALUATION,
      perLabel: EVALUATION.perLabel.map((score, at) =>
        at === 0 ? { ...score, label: "yes" } : score,
      ),
      confusion: EVALUATION.confusion.map((pair) => ({
        gold: pair.gold === NASTY ? "yes" : pair.gold,
        pred: pair.pred === NASTY ? "yes" : pair.pred,
        rows: pair.rows,
      })),
    });
    expect(plain).toContain("70.0 % of 10 rows right (40.0 % to 90.0 % with 95 % confidence)");
    expect(plain).toContain("  kappa     undefined");
    expect(plain).toContain("  cost      $0.0012 per right answer");
    expect(plain).toMatch(/gold ╲ answer +yes +no +only answered +no answer\n/);
    expect(plain).toMatch(/ {2}yes +5 +0 +1 +0\n {2}no +0 +3 +0 +1/);
    expect(plain).toContain("1 without an answer count as wrong.");
    expect(page).toContain("rgba(61,122,224,0.46)");
  });
});

describe("a run that goes on in a notebook", () => {
  it("tells what was spent, and of how much where there is a cap", () => {
    const title = (part: Parameters<typeof progressAt>[0]): string | undefined =>
      progressBundle(progressAt(part))["text/plain"].split("\n")[0];
    expect(title({ answered: 5, spentUsd: 0.5 })).toMatch(/ · \$0\.50 spent$/);
    expect(title({ spentUsd: 0, capUsd: 5 })).toMatch(/ · \$0\S* of the \$5\.00 cap spent$/);
    expect(title({ answered: 5 })).not.toContain("$");
  });
});

describe("a plan in a notebook", () => {
  it("says what would be sent, what not and why, and that nothing has been", () => {
    expect(
      planBundle({ ...PLAN, cached: 86, warnings: ["Odd."] })["text/plain"].split("\n"),
    ).toEqual([
      "Plan: 300 rows, 200 requests to send",
      "  requests  286 distinct, shared by 8 more rows",
      "  cost      $1.20 ($1.00 to $2.50) as batches, $2.40 ($2.00 to $5.00) at once",
      "  tokens    1,234 in, 20 (10 to 30) out",
      "  kept      86 answers from before, for nothing",
      "  skipped   6 blank",
      "  failing   2 too_long",
      "  chunks    1 (107.3 kB)",
      "  Odd.",
      "  Nothing has been sent.",
    ]);
  });
});

describe("a plan beside an earlier run in a notebook", () => {
  it("says what would be bought again and for how much", () => {
    const { costUsd, realtimeCostUsd } = PLAN;
    const rows = { kept: 20, again: 1000, new: 3 };
    const against = { run: "in-said-1", rows, costUsd, realtimeCostUsd };
    expect(planBundle({ ...PLAN, against })["text/plain"]).toContain(
      "  again     1,000 rows for $1.20 ($1.00 to $2.50) as batches, $2.40 ($2.00 to $5.00) at once, " +
        "20 kept, 3 new, beside in-said-1\n",
    );
  });
});

describe("the cost of a plan in a notebook", () => {
  const costOf = (part: Partial<typeof PLAN | { costUsd: null }>): string | undefined =>
    /cost +(.*)/.exec(planBundle({ ...PLAN, ...part })["text/plain"])?.[1];
  const free = { low: 0, expected: 0, high: 0 };

  it("is unknown without a price, and said once where there is one only", () => {
    expect(costOf({ costUsd: null })).toBe("unknown");
    expect(costOf({ costUsd: free, realtimeCostUsd: free })).toBe("$0.00");
  });
});

describe("rows in a notebook", () => {
  const shown = (rows: readonly (readonly (string | null)[])[]): Bundle =>
    rowsBundle({ columns: ["zip", "n"], rows, rowCount: 5 });

  it("keep their text, and a null is not the word", () => {
    const page = shown([
      ["02139", "1"],
      [null, "-2.5"],
      ["null", null],
    ])["text/html"];
    expect(page).toContain("5 rows × 2 columns, the first 3");
    const plainly = page.replaceAll(/ style="[^"]*"/g, "");
    expect(plainly).toContain('<td class="bf-short">02139</td><td class="bf-num">1</td>');
    expect(plainly).toContain('<td class="bf-short bf-dim">null</td><td class="bf-num">-2.5</td>');
    expect(plainly).toContain('<td class="bf-short">null</td>');
  });

  it("are cut where a cell is a novel", () => {
    const page = shown([["x".repeat(2000), ""]])["text/html"];
    expect(page).toContain(`${"x".repeat(600)}… (2,000 characters)</td>`);
  });
});
