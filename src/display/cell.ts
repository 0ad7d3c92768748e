/**
 * Cells of tables, set so that a page which drops style sheets still sets them: JupyterLab does so in
 * notebooks it does not trust, and then moves every cell to the right.
 */

import { markup, type Content, type Html } from "./html.ts";

/** How a cell is set: figures to the right, short texts on one line, other texts as they are. */
export type CellKind = "num" | "short" | "text";

/** A cell of a table's body; `dim` where it stands for nothing. */
export function cell(content: Content, kind: CellKind = "text", dim = false): Html {
  const name = `bf-${kind}${dim ? " bf-dim" : ""}`;
  return markup`<td class="${name}" style="${setting(kind)}">${content}</td>`;
}

/** A heading of a column, or of a row. */
export function headCell(content: Content, kind: CellKind = "text"): Html {
  return markup`<th class="bf-${kind}" style="${setting(kind)}">${content}</th>`;
}

function setting(kind: CellKind): string {
  const side = kind === "num" ? "right" : "left";
  return `text-align:${side}${kind === "text" ? "" : ";white-space:nowrap"}`;
}
