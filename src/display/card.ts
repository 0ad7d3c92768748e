/** A card: a heading, facts in two columns, charts and notes, as a page and as plain text alike. */

import type { Bundle } from "./bundle.ts";
import { cell, headCell } from "./cell.ts";
import { markup, markupOf, type Html } from "./html.ts";
import { plainColumns, visible } from "./text.ts";

/** A part of a card in both of its forms. */
export interface Part {
  readonly html: Html;
  readonly plain: string;
}

/** What a card holds, from top to bottom. */
export interface Card {
  readonly title: string;
  /** How it went: the heading has a mark of its own where something failed. */
  readonly mood?: "good" | "bad" | "none";
  readonly facts?: readonly (readonly [label: string, value: string])[];
  readonly parts?: readonly Part[];
  readonly notes?: readonly string[];
}

// Text and lines take the page's own colour, so that a card is readable on any background. Accents are
// as far from white as from black: a notebook's theme need not be the system's, so no query tells which it
// is. Jupyter has rules of its own for every table of an output: right-aligned and striped.
const STYLE = markup`<style>
  .batchframe {
    --bf-accent: #3d7ae0;
    --bf-good: #2c8a4c;
    --bf-bad: #d64c3f;
    font:
      13px/1.5 system-ui,
      sans-serif;
    color: inherit;
    margin: 4px 0;
    max-width: 64rem;
    overflow-x: auto;
  }
  .batchframe .bf-title {
    font-weight: 600;
    margin: 2px 0 4px;
  }
  .batchframe .bf-good {
    color: var(--bf-good);
  }
  .batchframe .bf-bad {
    color: var(--bf-bad);
  }
  .batchframe .bf-dim {
    opacity: 0.7;
  }
  .batchframe table {
    border-collapse: collapse;
    margin: 4px 0;
    background: none;
    border: 0;
    font-size: inherit;
  }
  .batchframe tr {
    background: none !important;
  }
  .batchframe th,
  .batchframe td {
    padding: 2px 12px 2px 0;
    vertical-align: top;
    border: 0;
    background: none;
    color: inherit;
  }
  .batchframe th {
    font-weight: 600;
  }
  .batchframe .bf-facts th {
    font-weight: 400;
    opacity: 0.7;
  }
  .batchframe .bf-num {
    font-variant-numeric: tabular-nums;
  }
  .batchframe .bf-rows th,
  .batchframe .bf-rows td {
    padding: 3px 10px;
    border-bottom: 1px solid rgba(127, 127, 127, 0.3);
  }
  .batchframe .bf-rows td {
    white-space: pre-wrap;
    overflow-wrap: break-word;
    unicode-bidi: isolate;
    min-width: 3em;
  }
  .batchframe .bf-grid td,
  .batchframe .bf-grid th {
    padding: 3px 10px;
  }
  .batchframe .bf-grid td {
    border: 1px solid rgba(127, 127, 127, 0.3);
  }
  .batchframe svg {
    display: block;
    max-width: 100%;
  }
  .batchframe svg text {
    fill: currentColor;
    font:
      11px system-ui,
      sans-serif;
  }
  .batchframe .bf-bar {
    fill: var(--bf-accent);
  }
  .batchframe .bf-bar-bad {
    fill: var(--bf-bad);
  }
  .batchframe .bf-track {
    fill: rgba(127, 127, 127, 0.22);
  }
</style>`;

// Dollars are money here: a notebook would set what stands between two of them as a formula.
const UNTYPESET = "tex2jax_ignore mathjax_ignore";

const MARKS = { good: "✔", bad: "!", none: "" } as const;

/** The card for a notebook. */
export function cardBundle({
  title,
  mood = "none",
  facts = [],
  parts = [],
  notes = [],
}: Card): Bundle {
  const mark = MARKS[mood];
  const page = markup`<div class="batchframe ${UNTYPESET}">
    ${STYLE}
    <div class="bf-title">${markOf(mood, mark)}${title}</div>
    ${factsTable(facts)}${parts.map((part) => part.html)}${notes.map((note) => markup`<div class="bf-dim">${note}</div>`)}
  </div>`;
  const plain = [
    `${mark === "" ? "" : `${mark} `}${visible(title)}`,
    ...(facts.length === 0
      ? []
      : [plainColumns(facts.map(([label, value]) => [`  ${visible(label)}`, visible(value)]))]),
    ...parts.map((part) => part.plain),
    ...notes.map((note) => `  ${visible(note)}`),
  ];
  return { "text/html": markupOf(page), "text/plain": plain.join("\n") };
}

function markOf(mood: "good" | "bad" | "none", mark: string): Html {
  if (mood === "good") return markup`<span class="bf-good">${mark}</span> `;
  return mood === "bad" ? markup`<span class="bf-bad">${mark}</span> ` : markup``;
}

function factsTable(facts: NonNullable<Card["facts"]>): Html {
  if (facts.length === 0) return markup``;
  return markup`<table class="bf-facts">
    ${facts.map(
      ([label, value]) =>
        markup`<tr>
          ${headCell(label, "short")}${cell(value)}
        </tr>`,
    )}
  </table>`;
}
