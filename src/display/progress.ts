/** A run that goes on as it is shown in a notebook. */

import type { Progress } from "../core/progress.ts";
import type { Bundle } from "./bundle.ts";
import { cardBundle } from "./card.ts";
import { progressBar } from "./chart.ts";
import { count, counted, dollars } from "./text.ts";

/** How a run stands: where it is in its work, and how many requests are answered. */
export function progressBundle(progress: Progress): Bundle {
  return cardBundle({ title: progressLine(progress), parts: barOf(progress) });
}

/** A run that ended before it was complete; `why` is its error's first line. */
export function stoppedBundle(progress: Progress | null, why: string): Bundle {
  return cardBundle({
    title: `Stopped: ${why.split("\n", 1)[0] ?? ""}`,
    mood: "bad",
    parts: progress === null ? [] : barOf(progress),
    notes: [
      ...(progress === null ? [] : [progressLine(progress)]),
      "Running the cell again goes on from here.",
    ],
  });
}

/** A run that nobody has asked for anything yet. */
export function idleBundle(): Bundle {
  return cardBundle({
    title: "A run that has not started",
    notes: ["`await run` starts it; `await run.plan()` shows what it would send."],
  });
}

function barOf({ phase, answered, underway, failed, requests }: Progress) {
  return phase === "planning" ? [] : [progressBar(answered + underway, failed, requests)];
}

/** What was spent, of what may be where there is a cap; nothing for free models, and without a price. */
function moneyParts({ spentUsd, capUsd }: Progress): readonly string[] {
  if (spentUsd === null || (spentUsd === 0 && capUsd === undefined)) return [];
  const most = capUsd === undefined ? "" : ` of the ${dollars(capUsd)} cap`;
  return [`${dollars(spentUsd)}${most} spent`];
}

function progressLine(progress: Progress): string {
  const { phase, requests, answered, underway, failed, chunks, chunksCollected } = progress;
  if (phase === "planning") return `planning: ${counted(requests, "request")} so far`;
  const parts = [
    `${count(answered)} of ${counted(requests, "request")} answered`,
    ...(underway === 0 ? [] : [`${count(underway)} worked on`]),
    ...(failed === 0 ? [] : [`${count(failed)} failed`]),
    ...(chunks > 1 ? [`${count(chunksCollected)} of ${count(chunks)} chunks`] : []),
    ...moneyParts(progress),
  ];
  return `${phase}: ${parts.join(" · ")}`;
}
