/** Where the outputs of two runs answer differently. */

import { diffFiles, findRun, InputError, type AnswerColumn } from "../index.ts";
import { figureTable } from "../display/evaluation.ts";
import { markup, type Html } from "../display/html.ts";
import { count, counted, percent } from "../display/text.ts";
import { facts, link, section, type Page } from "./page.ts";

const MOST_TRANSITIONS = 50;

/** The page over two runs' outputs; reads both files once. */
export async function diffPage(before: string, after: string, runDir: string): Promise<Page> {
  const [a, b] = [await outputOf(before, runDir), await outputOf(after, runDir)];
  const { rows, changed, kappa, transitions } = await diffFiles(a, b);
  const shown = transitions.slice(0, MOST_TRANSITIONS);
  const name = (label: string): string => (label === "" ? "(no answer)" : label);
  const rest = transitions.length - shown.length;
  return {
    title: `${count(changed)} of ${counted(rows, "row")} changed`,
    above: [link("Runs", "/")],
    body: [
      facts([
        ["before", sideText(a)],
        ["after", sideText(b)],
        ["agreement", percent(rows - changed, rows)],
        ["kappa", kappa === null ? "undefined" : kappa.toFixed(3)],
      ]),
      ...(shown.length === 0
        ? [markup`<p>Every row has the same answer in both.</p>`]
        : [
            section(
              rest === 0 ? "Changes" : `Changes, the most frequent ${count(shown.length)}`,
              figureTable(
                ["change", "rows"],
                shown.map((one) => [`${name(one.from)} → ${name(one.to)}`, count(one.rows)]),
              ).html,
            ),
          ]),
    ],
  };
}

/** The output of a run. */
interface Side extends AnswerColumn {
  readonly run: string;
}

function sideText({ run, column, file }: Side): Html {
  return markup`${link(run, "/run", { run })} · ${column} <span class="bf-dim">in ${file}</span>`;
}

async function outputOf(ref: string, runDir: string): Promise<Side> {
  const run = await findRun(ref, runDir);
  if (run.output !== null && run.output !== "-" && run.finishedAt !== null)
    return { run: run.id, file: run.output, column: run.column };
  throw new InputError(
    "output_missing",
    `Run ${run.id} has written no output file of one column.`,
    {
      hint: "Files are compared by: batchframe diff FILE FILE --column NAME",
    },
  );
}
