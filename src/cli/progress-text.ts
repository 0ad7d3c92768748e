/** Progress as text: a panel that is redrawn, or lines. */

import type { BatchChange, BatchProgress, Progress } from "../index.ts";
import { cut, padded, printable, widthOf } from "./cells.ts";
import type { Colours } from "./colour.ts";
import { bar, count, counted, dollarsText, span, timeLeftText } from "./format.ts";

const PHASE_WIDTH = 11;
const WIDEST_BAR = 40;
// More lines than this would push what was printed before off a small terminal.
const MOST_LANES = 6;

/** The panel: phase and bar, a line for each batch while they are few, counts, money and time; fits `width` columns from 40 on. */
export function progressPanel(
  progress: Progress,
  elapsedMs: number,
  look: { readonly width: number; readonly colours: Colours },
): string {
  const { colours, width } = look;
  const { phase } = progress;
  const top =
    phase === "planning" ? "reading rows" : barText(shareDone(progress), barRoom(width, 12), look);
  const worth = [...moneyParts(progress), ...timeParts(progress), span(elapsedMs)];
  return [
    `  ${colours.strong(padded(phase, PHASE_WIDTH))} ${top}`,
    ...batchLines(progress, look),
    ...fitted([...countParts(progress), ...worth], width - 2).map((text) => `  ${text}`),
  ].join("\n");
}

/** One line of progress for logs. */
export function progressLine(progress: Progress, elapsedMs: number): string {
  const parts = [...countParts(progress), ...moneyParts(progress), ...timeParts(progress)];
  return `${padded(progress.phase, PHASE_WIDTH)} ${parts.join(", ")} (${span(elapsedMs)})`;
}

/** What a run has cost so far, may cost in all, and how long it may take still; empty when nothing of it is known. */
export function worthText(progress: Progress): string {
  return [...moneyParts(progress), ...timeParts(progress)].join(" · ");
}

function shareDone({ requests, answered, failed, underway }: Progress): number {
  return requests === 0 ? 0 : Math.min(1, (answered + failed + underway) / requests);
}

function barRoom(width: number, beside: number): number {
  return Math.max(8, Math.min(WIDEST_BAR, width - PHASE_WIDTH - beside));
}

function barText(share: number, room: number, { colours }: { readonly colours: Colours }): string {
  const drawn = bar(share, room);
  const track = colours.dim("░".repeat(Math.max(0, room - drawn.length)));
  return `${drawn}${track} ${String(Math.floor(100 * share))} %`;
}

/** A line for each batch under way; of many, how many are in which phase. One alone is the whole, and told already. */
function batchLines(
  { batches, chunks }: Progress,
  look: { readonly width: number; readonly colours: Colours },
): readonly string[] {
  if (batches.length === 0 || chunks < 2) return [];
  if (batches.length > MOST_LANES) return [`  ${cut(phasesText(batches), look.width - 2)}`];
  const names = batches.map(({ step, chunk }) =>
    step === undefined ? `chunk ${count(chunk)}` : `${cut(printable(step), 20)} ${count(chunk)}`,
  );
  const numbers = batches.map(({ done, total }) =>
    done === null ? count(total) : `${count(done)} of ${count(total)}`,
  );
  const widest = (texts: readonly string[]): number => Math.max(...texts.map(widthOf));
  const [nameWidth, numberWidth] = [widest(names), widest(numbers)];
  const room = Math.min(24, look.width - PHASE_WIDTH - nameWidth - numberWidth - 8);
  return batches.map(({ phase, done, total }, at) => {
    const share = total === 0 || done === null ? 0 : done / total;
    const drawn = room < 8 ? "" : bar(share, room);
    const track = room < 8 ? "" : look.colours.dim("░".repeat(Math.max(0, room - drawn.length)));
    const number = (numbers[at] ?? "").padStart(numberWidth);
    const head = `  ${padded(names[at] ?? "", nameWidth)}  ${padded(phase, PHASE_WIDTH)}`;
    return room < 8 ? cut(`${head} ${number}`, look.width) : `${head} ${drawn}${track}  ${number}`;
  });
}

function phasesText(batches: readonly BatchProgress[]): string {
  const numbers = new Map<string, number>();
  for (const { phase } of batches) numbers.set(phase, (numbers.get(phase) ?? 0) + 1);
  const parts = [...numbers].map(([phase, number]) => `${count(number)} ${phase}`);
  return `${counted(batches.length, "batch", "batches")} under way: ${parts.join(" · ")}`;
}

function countParts(progress: Progress): readonly string[] {
  const { requests, answered, cached, failed, underway, chunks, chunksCollected } = progress;
  if (progress.phase === "planning") return [counted(requests, "distinct request")];
  return [
    `${count(answered)} of ${counted(requests, "request")} answered`,
    ...(cached > 0 ? [`${count(cached)} from the cache`] : []),
    ...(underway > 0 ? [`${count(underway)} worked on`] : []),
    ...(failed > 0 ? [`${count(failed)} failed`] : []),
    ...(chunks > 1 ? [`${count(chunksCollected)} of ${count(chunks)} chunks collected`] : []),
  ];
}

function moneyParts({ phase, spentUsd, capUsd, projectedUsd }: Progress): readonly string[] {
  if (spentUsd === null || phase === "planning") return [];
  if (capUsd !== undefined) {
    const whole =
      projectedUsd === null || phase === "done"
        ? []
        : [`about ${dollarsText(projectedUsd)} in all`];
    return [`${dollarsText(spentUsd)} of the ${dollarsText(capUsd)} cap spent`, ...whole];
  }
  // Free models and runs that nothing came of yet have nothing to tell.
  if (spentUsd === 0 && (projectedUsd ?? 0) === 0) return [];
  const whole =
    projectedUsd === null || phase === "done" ? "" : ` of about ${dollarsText(projectedUsd)}`;
  return [`${dollarsText(spentUsd)}${whole} spent`];
}

function timeParts({ timeLeft }: Progress): readonly string[] {
  return timeLeft === null ? [] : [timeLeftText(timeLeft.lowMs, timeLeft.highMs)];
}

/** Parts joined by dots, in as many lines as they need. */
function fitted(parts: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = last === undefined ? part : `${last} · ${part}`;
    if (last !== undefined && longer.length <= width) lines[lines.length - 1] = longer;
    else lines.push(cut(part, width));
  }
  return lines;
}

/** What has become of a batch, as a line. */
export function batchLine({ chunk, id, phase, done, total, step }: BatchChange): string {
  const column = step === undefined ? "" : `${printable(step)} · `;
  const worked = done === null ? "" : ` · ${count(done)} of ${count(total)}`;
  return `${column}chunk ${count(chunk)} · ${phase}${worked} · ${printable(id ?? "")}`;
}
