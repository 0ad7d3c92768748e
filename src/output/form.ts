/** The output option becomes an answer form. */

import type { NewColumn } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import type { AnswerForm, Label } from "../core/form.ts";

/** What a run's answers may be: free text when left out, or one of the labels, with or without descriptions. */
export type OutputOption =
  | undefined
  | { readonly labels: readonly [string, ...string[]] }
  | { readonly labels: Readonly<Record<string, string>> };

/**
 * The form an output option asks for.
 *
 * @throws {InputError} `labels_invalid` for none, a blank one, or one given twice; nothing was sent.
 */
export function answerForm(output: OutputOption): AnswerForm {
  if (output === undefined) return { kind: "text" };
  const labels: readonly Label[] = isList(output.labels)
    ? output.labels.map((name) => ({ name }))
    : Object.entries(output.labels).map(([name, description]) =>
        description.trim() === "" ? { name } : { name, description },
      );
  const names = labels.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw labelsInvalid(`the label ${JSON.stringify(twice)} is given twice`);
  if (names.some((name) => name.trim() === "")) throw labelsInvalid("a label is blank");
  if (names.length < 2) throw labelsInvalid("there must be at least two labels to choose from");
  return { kind: "labels", labels };
}

/** The option a form was made from, as far as the answers are concerned; {@link answerForm} of it gives the form again. */
export function optionOf(form: AnswerForm): OutputOption {
  if (form.kind === "text") return undefined;
  const described = form.labels.some(({ description }) => description !== undefined);
  const [first = "", ...rest] = form.labels.map(({ name }) => name);
  if (!described) return { labels: [first, ...rest] };
  return {
    labels: Object.fromEntries(
      form.labels.map(({ name, description }) => [name, description ?? ""]),
    ),
  };
}

function isList(
  labels: readonly string[] | Readonly<Record<string, string>>,
): labels is readonly string[] {
  return Array.isArray(labels);
}

function labelsInvalid(problem: string): InputError {
  return new InputError(
    "labels_invalid",
    `The labels cannot be used: ${problem}. Nothing was sent.`,
    {
      hint: 'Give two or more different names, as in "positive,negative,neutral".',
    },
  );
}

/**
 * The columns a run adds: `<column>`, `<column>_status` (ok, skipped, failed) and `<column>_error`
 * (a code, null unless failed).
 */
export function newColumns(column: string): readonly NewColumn[] {
  return [
    { name: column, type: "text" },
    { name: `${column}_status`, type: "text" },
    { name: `${column}_error`, type: "text" },
  ];
}
