/** The form an answer must have, before any provider's way of asking for it. */

import type { Json } from "./hash.ts";

/** One permitted answer, and what it means when a description was given. */
export interface Label {
  readonly name: string;
  readonly description?: string;
}

/** Free text, or exactly one of the labels. */
export type AnswerForm =
  { readonly kind: "text" } | { readonly kind: "labels"; readonly labels: readonly Label[] };

/**
 * The JSON Schema of the answer in the subset every provider's strict mode takes: an object with
 * every property required and no others; null for free text, which has no schema.
 *
 * Labels become `{"label": …}` with the descriptions in the property's description, the one place
 * that strict modes keep.
 */
export function answerSchema(form: AnswerForm): Json | null {
  if (form.kind === "text") return null;
  const described = form.labels.filter((label) => label.description !== undefined);
  const description = described
    .map((label) => `${label.name}: ${label.description ?? ""}`)
    .join("\n");
  return {
    type: "object",
    properties: {
      label: {
        type: "string",
        enum: form.labels.map((label) => label.name),
        ...(description === "" ? {} : { description }),
      },
    },
    required: ["label"],
    additionalProperties: false,
  };
}
