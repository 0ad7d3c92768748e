/** What the embedded model can be asked to fill in, and what it answers. */

/** One of the labels to choose from. A description helps far more than a telling name. */
export interface LabelChoice {
  readonly name: string;
  readonly description?: string;
}

/** Choose one label, or with `multi` every label that applies (possibly none). */
export interface LabelsField {
  readonly kind: "labels";
  readonly labels: readonly LabelChoice[];
  readonly multi?: boolean;
}

/** Say whether a statement holds: its name (`is_refund`) and, better, its description. */
export interface BooleanField {
  readonly kind: "boolean";
  readonly name: string;
  readonly description?: string;
}

/** Give a number from `min` to `max`, whole when `integer`. */
export interface ScoreField {
  readonly kind: "score";
  readonly name: string;
  readonly description?: string;
  readonly min: number;
  readonly max: number;
  readonly integer?: boolean;
}

/** Give the text's embedding itself. */
export interface EmbeddingField {
  readonly kind: "embedding";
}

/** A field the embedded model can fill. Free text is not among them: it has no way to write any. */
export type EmbeddedField = LabelsField | BooleanField | ScoreField | EmbeddingField;

/** The field's value, and how sure the model is of it: 0 to 1, for comparing and thresholding. */
export interface EmbeddedAnswer {
  readonly value: string | readonly string[] | boolean | number | Float32Array;
  readonly confidence: number;
}
