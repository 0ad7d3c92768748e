/** Why a JSON file cannot be read, in words. */

import { InputError } from "../core/errors.ts";
import type { JsonFault } from "./json-records.ts";

/** What the cutter refused, as the person who has to mend the file needs to hear it. */
export function jsonFaultInWords({ kind, line }: JsonFault, path: string): InputError {
  switch (kind) {
    case "not_object":
      return syntax(
        `What begins on line ${line} of ${path} is not one whole JSON object.`,
        "Every row must be an object: {…}. In JSON Lines each stands on one line, in a JSON array commas stand between them.",
      );
    case "not_array":
      return syntax(
        `${path} does not begin with [ as a JSON array of objects must (line ${line}).`,
        "A file with one object on each line is JSON Lines: let its name end in .jsonl, or give that format. An array inside an object can be taken out with: jq .rows in.json > rows.json",
      );
    case "separator":
      return syntax(
        `Line ${line} of ${path} has something else than a comma after an object of the array.`,
        "A file with one object on each line and no array is JSON Lines: let its name end in .jsonl.",
      );
    case "cut_short":
      return syntax(
        `${path} ends on line ${line} before its array does.`,
        "Check that the program that writes the file has finished.",
      );
    case "trailing":
      return syntax(
        `${path} goes on after the end of its array, on line ${line}.`,
        "Put everything into one array, or one object on each line of a file whose name ends in .jsonl.",
      );
    case "size":
      return syntax(
        `The object that begins on line ${line} of ${path} is longer than 128 MiB.`,
        "Most likely a brace or a quote is never closed.",
      );
  }
}

/** The refusal of text that is no JSON, with what the parser says of it. */
export function notJson(place: { path: string; line: number }, cause: unknown): InputError {
  const why = cause instanceof SyntaxError ? `: ${cause.message}` : "";
  return syntax(
    `The object that begins on line ${place.line} of ${place.path} is not valid JSON${why}.`,
    "Write the file with a program that knows JSON; NaN, comments and single quotes are no JSON.",
    cause,
  );
}

/** The refusal of an object in which a name stands twice. */
export function duplicateName(place: { path: string; line: number }, name: string): InputError {
  return new InputError(
    "duplicate_column",
    `The object that begins on line ${place.line} of ${place.path} has two members named ${JSON.stringify(name)}.`,
    { hint: "Rename or remove one of them, so that a template means one value." },
  );
}

function syntax(message: string, hint: string, cause?: unknown): InputError {
  return new InputError("json_syntax", message, {
    hint,
    ...(cause === undefined ? {} : { cause }),
  });
}
