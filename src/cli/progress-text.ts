/** Progress as text: a panel that is redrawn, or lines. */

import type { Progress } from "../index.ts";
import { cut, padded } from "./cells.ts";
import type { Colours } from "./colour.ts";
import { bar, count, counted, span } from "./format.ts";

const PHASE_WIDTH = 11;
const WIDEST_BAR = 40;

/** The panel: phase, bar and counts in two lines that fit `width` columns from 40 on. */
export function progressPanel(
  progress: Progress,
  elapsedMs: number,
  look: { readonly width: number; readonly colours: Colours },
): string {
  const { colours, width } = look;
  const { phase } = progress;
  const share = shareDone(progress);
  const room = Math.max(8, Math.min(WIDEST_BAR, width - PHASE_WIDTH - 12));
  const drawn = bar(share, room);
  const track = colours.dim("░".repeat(Math.max(0, room - drawn.length)));
  const top =
    phase === "planning" ? "reading rows" : `${drawn}${track} ${String(Math.floor(100 * share))} %`;
  return (
    `  ${colours.strong(padded(phase, PHASE_WIDTH))} ${top}\n` +
    cut(`  ${countsText(progress, " · ")} · ${span(elapsedMs)}`, width)
  );
}

/** One line of progress for logs. */
export function progressLine(progress: Progress, elapsedMs: number): string {
  return `${padded(progress.phase, PHASE_WIDTH)} ${countsText(progress, ", ")} (${span(elapsedMs)})`;
}

function shareDone({ requests, answered, failed, underway }: Progress): number {
  return requests === 0 ? 0 : Math.min(1, (answered + failed + underway) / requests);
}

function countsText(progress: Progress, separator: string): string {
  const { requests, answered, failed, underway, chunks, chunksCollected } = progress;
  if (progress.phase === "planning") return counted(requests, "distinct request");
  return [
    `${count(answered)} of ${counted(requests, "request")} answered`,
    ...(underway > 0 ? [`${count(underway)} worked on`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(chunks > 1 ? [`${count(chunksCollected)} of ${count(chunks)} chunks collected`] : []),
  ].join(separator);
}
