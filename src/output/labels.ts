/** The labels of an output option, checked. */

import { InputError } from "../core/errors.ts";
import type { AnswerForm, Label } from "../core/form.ts";

/** Labels to choose from, as a list or with descriptions, and how they are chosen. */
export interface LabelsOption {
  readonly labels: readonly string[] | Readonly<Record<string, string>>;
  /** Any number of labels, none included, instead of exactly one. */
  readonly multi?: boolean;
  /** A short label of the model's own where none of these fits. */
  readonly allowOther?: boolean;
}

/**
 * The form of a choice of labels.
 *
 * @throws {InputError} `labels_invalid` for none, a blank one, or one given twice; nothing was sent.
 */
export function labelsForm({ labels: given, multi, allowOther }: LabelsOption): AnswerForm {
  const labels: readonly Label[] = isList(given)
    ? given.map((name) => ({ name }))
    : Object.entries(given).map(([name, description]) =>
        description.trim() === "" ? { name } : { name, description },
      );
  const names = labels.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw labelsInvalid(`the label ${JSON.stringify(twice)} is given twice`);
  if (names.some((name) => name.trim() === "")) throw labelsInvalid("a label is blank");
  const fewest = multi === true || allowOther === true ? 1 : 2;
  if (names.length < fewest)
    throw labelsInvalid(
      fewest === 1
        ? "there must be at least one label"
        : "there must be at least two labels to choose from",
    );
  return {
    kind: "labels",
    labels,
    ...(multi === true ? { multi } : {}),
    ...(allowOther === true ? { allowOther } : {}),
  };
}

/** The option that {@link labelsForm} makes a form of labels from. */
export function labelsOption({
  labels,
  multi,
  allowOther,
}: Extract<AnswerForm, { kind: "labels" }>): LabelsOption {
  const how = {
    ...(multi === undefined ? {} : { multi }),
    ...(allowOther === undefined ? {} : { allowOther }),
  };
  if (labels.every(({ description }) => description === undefined))
    return { labels: labels.map(({ name }) => name), ...how };
  const described = labels.map(({ name, description }) => [name, description ?? ""] as const);
  return { labels: Object.fromEntries(described), ...how };
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
    { hint: 'Give two or more different names, as in "positive,negative,neutral".' },
  );
}
