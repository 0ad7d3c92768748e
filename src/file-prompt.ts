/** The prompt of one row of a file, exactly as a model would be given it; nothing is sent. */

import { InputError } from "./core/errors.ts";
import { answerSchema } from "./core/form.ts";
import type { Message, Prompt } from "./core/request.ts";
import type { JsonSchema } from "./core/schema.ts";
import { checkTemplate, parseTemplate } from "./core/template.ts";
import type { EnrichOptions, FilePair } from "./enrich.ts";
import { openFile } from "./files/files.ts";
import { askedOutput, withQuotes, type OutputOption } from "./output/form.ts";
import type { Rendering } from "./stages/ports.ts";
import { textRendering } from "./stages/render.ts";
import { choiceOf, chosenFrame } from "./row-choice.ts";
import { longTexts } from "./told-options.ts";

/** Which prompt is shown. */
export interface FilePromptOptions {
  readonly file: Pick<FilePair, "input" | "reading">;
  readonly template: string;
  /** The model's name, which says whether it only makes vectors; may be empty. */
  readonly model: string;
  readonly options: EnrichOptions<string, OutputOption>;
  /** The row, counted from 0; the first that would be asked when left out. */
  readonly row?: number | undefined;
}

/** A prompt, and the form asked for beside it. */
export interface ShownPrompt {
  /** Counted from 0. */
  readonly row: number;
  readonly messages: readonly Message[];
  /** The JSON Schema of the answer; null for free text and vectors. */
  readonly schema: JsonSchema | null;
}

/**
 * The messages that a row of a file becomes. Reads the file up to that row.
 *
 * @throws {InputError} `row_unknown` for a row that the file has not or that would not be asked, and what
 * `enrichFile` throws for the template, the options and the file.
 */
export async function filePrompt({
  file,
  template,
  model,
  options,
  row,
}: FilePromptOptions): Promise<ShownPrompt> {
  const opened = await openFile(file.input, file.reading ?? {});
  const read = parseTemplate(template);
  checkTemplate(read, opened.columns);
  const choice = choiceOf(options);
  const frame = choice === null ? opened : chosenFrame(opened, choice);
  const { form: plain } = await askedOutput(options.output, model);
  const form = options.quotes === true ? withQuotes(plain) : plain;
  const { system, examples = [], onNull = "skip" } = options;
  const long = longTexts(options, true);
  const rendering = textRendering(read, { system, examples, form, long }, onNull);
  const blocks = frame.blocks(rendering.columns, ROWS_PER_BLOCK);
  for await (const block of blocks) {
    const promptOf = rendering.prompts(block);
    for (let at = 0; at < block.rowCount; at++) {
      const number = block.firstRow + at;
      if (row !== undefined && number < row) continue;
      const prompt = block.withheld?.(at) ? null : askedOf(promptOf(at));
      if (prompt !== null)
        return { row: number, messages: prompt.messages, schema: answerSchema(form) };
      if (row !== undefined) throw notAsked(`Row ${String(row + 1)} would not be asked`);
    }
  }
  throw row === undefined
    ? notAsked("No row would be asked")
    : new InputError("row_unknown", `${frame.name} has no row ${String(row + 1)}.`, {
        hint: "Rows are counted from 1, without the header.",
      });
}

const ROWS_PER_BLOCK = 1000;

function askedOf(given: ReturnType<ReturnType<Rendering["prompts"]>>): Prompt | null {
  return given === null || typeof given === "string" ? null : given;
}

function notAsked(what: string): InputError {
  return new InputError(
    "row_unknown",
    `${what}: a cell the prompt needs is blank, or longer than it may be, or the row is unreadable or left out.`,
    { hint: "Name another row, or see --on-null, --max-chars and --where." },
  );
}
