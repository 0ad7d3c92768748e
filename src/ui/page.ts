/** What all pages are made with: the frame around them, links, facts and tables. */

import { headCell, cell, type CellKind } from "../display/cell.ts";
import { markup, markupOf, type Content, type Html } from "../display/html.ts";

/** A page before its frame: its name, the way back up, and what it holds. */
export interface Page {
  readonly title: string;
  /** The pages above it, the topmost first. */
  readonly above?: readonly Html[];
  readonly body: readonly Html[];
  /** Whether a run on it goes on, so that it is to be read again in a while. */
  readonly isLive?: boolean;
}

const READ_AGAIN_AFTER_S = 15;

/** The whole document. */
export function document({ title, above = [], body, isLive = false }: Page): string {
  const refresh = isLive
    ? markup`<meta http-equiv="refresh" content="${READ_AGAIN_AFTER_S}" />`
    : markup``;
  const page = markup`<html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      ${refresh}
      <title>${title} · batchframe</title>
      <link rel="stylesheet" href="/style.css" />
    </head>
    <body class="batchframe">
      <nav>${above.map((link) => markup`${link}<span class="bf-dim"> / </span>`)}</nav>
      <h1>${title}</h1>
      ${body}
    </body>
  </html>`;
  return `<!doctype html>${markupOf(page)}`;
}

/** The values of an address; those that are empty are left out of it. */
export type Query = Readonly<Record<string, string | number | undefined>>;

/** An address of these pages. */
export function address(path: string, query: Query): string {
  const values = new URLSearchParams();
  for (const [name, value] of Object.entries(query))
    if (value !== undefined && value !== "") values.set(name, String(value));
  const text = values.toString();
  return text === "" ? path : `${path}?${text}`;
}

/** A link to one of these pages. */
export function link(content: Content, path: string, query: Query = {}): Html {
  return markup`<a href="${address(path, query)}">${content}</a>`;
}

/** Names and values in two columns. */
export function facts(pairs: readonly (readonly [name: string, value: Content])[]): Html {
  return markup`<table class="bf-facts">
    ${pairs.map(
      ([name, value]) =>
        markup`<tr>
          ${headCell(name, "short")}${cell(value)}
        </tr>`,
    )}
  </table>`;
}

/** A column of a table. */
export interface TableColumn {
  readonly title: string;
  readonly kind?: CellKind;
}

/** A table of cells; `none` stands for it where there are no rows. */
export function table(
  columns: readonly TableColumn[],
  rows: readonly (readonly Content[])[],
  none: string,
): Html {
  if (rows.length === 0) return markup`<p class="bf-dim">${none}</p>`;
  return markup`<div class="bf-wide">
    <table class="bf-rows">
      <thead>
        <tr>
          ${columns.map(({ title, kind }) => headCell(title, kind))}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (cells) =>
            markup`<tr>
              ${cells.map((content, at) => cell(content, columns[at]?.kind))}
            </tr>`,
        )}
      </tbody>
    </table>
  </div>`;
}

/** A part of a page under a heading of its own. */
export function section(title: string, ...content: readonly Html[]): Html {
  return markup`<section>
    <h2>${title}</h2>
    ${content}
  </section>`;
}
