/** Reviewing, the first half: answers of a run as a file in which people fill in the right ones. */

import { existsSync } from "node:fs";
import { dirname } from "node:path";
import { InputError } from "./core/errors.ts";
import { requestIdentity } from "./core/request.ts";
import { parseTemplate } from "./core/template.ts";
import { openFile } from "./files/files.ts";
import { harmless } from "./frame/csv-cells.ts";
import { writeCsvRows } from "./frame/csv-rows.ts";
import { pickedFrame } from "./frame/picked-rows.ts";
import { answerText } from "./output/given-answer.ts";
import { openAskedRows, type AskedRows } from "./runs/asked-rows.ts";
import { chosenForReview, type ChosenRow } from "./runs/review-choice.ts";
import { requestIdsAt, requestMark, reviewNames } from "./runs/review-sheet.ts";
import type { RunStatus } from "./runs/run-status.ts";
import { locatedCorrections } from "./session/corrected-answers.ts";
import type { Spec } from "./session/run-spec.ts";
import type { Rendering } from "./stages/ports.ts";
import { textRendering } from "./stages/render.ts";
import { readCorrections } from "./store/corrections.ts";

/** Which answers people are to look at. */
export interface ReviewOptions {
  /** How many rows; 50 when left out, fewer where there are fewer. */
  readonly rows?: number;
  /** Chooses among equally sure answers; 1 when left out. */
  readonly seed?: number;
}

/** What was written for people. */
export interface ReviewExported {
  readonly run: string;
  readonly output: string;
  readonly rows: number;
  /** Rows among them that have failed. */
  readonly failed: number;
  /** Answers left out because people have looked at them before. */
  readonly reviewed: number;
  /** The column in which they fill in the right answer. */
  readonly fill: string;
}

const DEFAULT_ROWS = 50;

/**
 * Writes rows of a file run as CSV for people to look at: the row's number, counted from 1, what the
 * prompt shows of it, the answer, its status, how sure the model is where it says so, and an empty column
 * `correct_<column>`. {@link importReview} reads it back.
 *
 * Every answer gets a turn, failed rows too, and of each the least sure rows come first; answers that were
 * reviewed before are left out. The same seed gives the same rows. Cells that a spreadsheet would run get an
 * apostrophe. Sends nothing and spends nothing.
 *
 * @throws {InputError} `review_unsupported`, `review_exists` for a file that is there already,
 * `review_empty` where no row is left to look at, `input_changed`, `output_unwritable`.
 */
export async function exportReview(
  run: RunStatus,
  output: string,
  { rows = DEFAULT_ROWS, seed = 1 }: ReviewOptions = {},
): Promise<ReviewExported> {
  if (!Number.isSafeInteger(rows) || rows < 1)
    throw new InputError(
      "option_invalid",
      `rows must be a whole number above 0; it is ${String(rows)}. Nothing was written.`,
      { hint: "Leave it out for 50." },
    );
  if (existsSync(output))
    throw new InputError(
      "review_exists",
      `${output} is there already, and may hold what people have filled in. Nothing was written.`,
      { hint: "Import it first, or name another file with -o." },
    );
  const asked = await openAskedRows(run);
  try {
    const { spec, store, reading } = asked;
    const corrections = await readCorrections(dirname(run.directory));
    const { values: before } = await locatedCorrections(corrections, store, reading);
    const how = { rows, seed, form: reading.form, except: before };
    const chosen = await chosenForReview(asked.rows(), how);
    if (chosen.length === 0)
      throw new InputError(
        "review_empty",
        `Run ${run.id} has no answer that people have not looked at yet. Nothing was written.`,
        { hint: `See how it stands: batchframe status ${run.id}.` },
      );
    const tellsConfidence = chosen.some(({ confidence }) => confidence !== null);
    const rendering = renderingOf(spec);
    const names = reviewNames(spec.column, rendering.columns, tellsConfidence);
    await writeCsvRows({
      output,
      input: spec.input ?? "",
      columns: names.map(harmless),
      rows: sheetRows(asked, chosen, { rendering, tellsConfidence }),
    });
    const failed = chosen.filter(({ outcome }) => outcome.status === "failed").length;
    const fill = names.at(-1) ?? "";
    return { run: run.id, output, rows: chosen.length, failed, reviewed: before.size, fill };
  } finally {
    await asked.close();
  }
}

const ROWS_PER_BLOCK = 1000;

function renderingOf({ template, system, examples, form, long, onNull }: Spec): Rendering {
  const before = { system: system ?? undefined, examples, form, long };
  return textRendering(parseTemplate(template ?? ""), before, onNull);
}

/** The rows of the sheet, as the input still has them. */
async function* sheetRows(
  { spec, store }: AskedRows,
  chosen: readonly ChosenRow[],
  how: { readonly rendering: Rendering; readonly tellsConfidence: boolean },
): AsyncGenerator<readonly (string | null)[]> {
  const { input, form, model, params, call } = spec;
  const frame = await openFile(input ?? "", spec.reading);
  const { rendering } = how;
  const shared = { model, params, form, settings: call, promptCache: spec.promptCache };
  const identity = requestIdentity(`${spec.provider} ${spec.host}`, shared);
  const ids = await idsOf(chosen, store);
  const picked = pickedFrame(
    frame,
    chosen.map(({ row }) => row),
  );
  let written = 0;
  for await (const block of picked.blocks(rendering.columns, ROWS_PER_BLOCK)) {
    const promptOf = rendering.prompts(block);
    const cells = rendering.columns.map((name) => block.text(name));
    for (let at = 0; at < block.rowCount; at++) {
      const one = chosen[written];
      const id = ids[written];
      const prompt = promptOf(at);
      if (one === undefined || id === undefined) throw changed(spec.input);
      if (prompt === null || typeof prompt === "string" || identity.of(prompt.messages) !== id)
        throw changed(spec.input);
      written += 1;
      yield [
        ...[String(one.row + 1), requestMark(id)],
        ...cells.map((column) => harmlessOrNull(column[at])),
        ...answerCells(one),
        ...(how.tellsConfidence
          ? [one.confidence === null ? null : one.confidence.toFixed(4)]
          : []),
        null,
      ];
    }
  }
  if (written < chosen.length) throw changed(spec.input);
}

/** The answer, the status and the error. */
function answerCells({ outcome }: ChosenRow): readonly (string | null)[] {
  const answer = "value" in outcome ? answerText(outcome.value) : null;
  const error = outcome.status === "failed" ? outcome.code : null;
  return [harmlessOrNull(answer), outcome.status, error];
}

function harmlessOrNull(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : harmless(text);
}

async function idsOf(
  chosen: readonly ChosenRow[],
  { requestIds }: AskedRows["store"],
): Promise<readonly string[]> {
  const ids = await requestIdsAt(new Set(chosen.map(({ request }) => request)), requestIds());
  return chosen.map(({ request }) => ids.get(request) ?? "");
}

function changed(input: string | null): InputError {
  return new InputError(
    "input_changed",
    `${input ?? ""} does not hold the rows any more that the run asked. Nothing was written.`,
    {
      hint: "Put the file back as it was, or run again over the new one; kept answers cost nothing.",
    },
  );
}
