/** The columns a run adds, and the cells of one answer in them. */

import type { NewCell, NewColumn } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import { quotedFields, type AnswerForm } from "../core/form.ts";
import { metaColumn, type MetaColumn } from "../core/meta.ts";
import { cellOf } from "./cells.ts";
import { columnType, shapeOf, type Shape } from "./shape.ts";

/** What decides the columns. */
export interface ColumnLayout {
  readonly form: AnswerForm;
  readonly hasTools: boolean;
  /** How many levels of objects become columns of their own; 1 when left out, 0 keeps an object in one column. */
  readonly flatten?: number;
  /** Whether long cells are cut, and a column says of which rows; false when left out. */
  readonly tellsCut?: boolean;
  /** What else is told of each answer; nothing when left out. */
  readonly meta?: readonly MetaColumn[];
}

/**
 * The columns a run adds: the answer's, with quotes `<column>_<field>_quote` for each field, with tools
 * `<column>_tool_calls` (JSON: a list of `{name, arguments}`, empty where the model called none),
 * `<column>_status` (ok, cached, skipped, failed) and `<column>_error` (a code, null unless failed);
 * then `<column>_truncated` where long cells are cut, and what else was asked to be told.
 *
 * The answer of a schema is a column for each of its object's fields, `<column>_<field>`, objects
 * inside them structs unless `flatten` is 2 or more; any other answer is `<column>` alone.
 *
 * @throws {InputError} `column_exists` when two of them would have one name; nothing was sent.
 */
export function newColumns(column: string, layout: ColumnLayout): readonly NewColumn[] {
  const columns: readonly NewColumn[] = [
    ...answerColumns(column, layout),
    ...quotedFields(layout.form).map((field) => quoteColumn(column, field)),
    ...(layout.hasTools ? [{ name: `${column}_tool_calls`, type: "text" } as const] : []),
    { name: `${column}_status`, type: "text" },
    { name: `${column}_error`, type: "text" },
    ...(layout.tellsCut === true
      ? [{ name: `${column}_truncated`, type: "boolean" } as const]
      : []),
    ...(layout.meta ?? []).map((name) => metaColumn(column, name)),
  ];
  const names = columns.map(({ name }) => name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice === undefined) return columns;
  throw new InputError(
    "column_exists",
    `Two new columns would be named ${JSON.stringify(twice)}. Nothing was sent.`,
    { hint: "Give the field another name, or keep the object in one column with flatten: 0." },
  );
}

/** The names of the new columns that hold an answer, or the calls a model made in its place. */
export function answerNames(column: string, layout: ColumnLayout): ReadonlySet<string> {
  const names = answerColumns(column, layout).map(({ name }) => name);
  return new Set(layout.hasTools ? [...names, `${column}_tool_calls`] : names);
}

function quoteColumn(column: string, field: string): NewColumn {
  return { name: `${column}_${field}_quote`, type: "text" };
}

function answerColumns(column: string, { form, flatten }: ColumnLayout): readonly NewColumn[] {
  switch (form.kind) {
    case "text":
      return [{ name: column, type: "text" }];
    case "labels":
      return [{ name: column, type: form.multi === true ? { list: "text" } : "text" }];
    case "embedding":
      return [{ name: column, type: "embedding" }];
    case "object":
      return leavesOf(form, flatten).map(({ path, shape }) => ({
        name: [column, ...path].join("_"),
        type: columnType(shape),
      }));
  }
}

/**
 * Gives the cells of one answer in the answer's columns, in their order; an answer that is null, as
 * one that only calls tools, and a row without an answer (undefined) have null in all of them.
 *
 * The value must be one that `readAnswer` gave for this form.
 */
export function answerCells(
  form: AnswerForm,
  flatten?: number,
): (value: unknown) => readonly NewCell[] {
  if (form.kind !== "object") return (value) => [(value ?? null) as NewCell];
  const leaves = leavesOf(form, flatten);
  return (value) => leaves.map(({ path, shape }) => cellOf(shape, memberAt(value, path)));
}

interface Leaf {
  readonly path: readonly string[];
  readonly shape: Shape;
}

const shapes = new WeakMap<AnswerForm, Shape>();

/** The shape of an object form's values; worked out once for each form. */
export function formShape(form: Extract<AnswerForm, { kind: "object" }>): Shape {
  const shape = shapes.get(form) ?? shapeOf(form.result ?? form.schema);
  shapes.set(form, shape);
  return shape;
}

function leavesOf(form: Extract<AnswerForm, { kind: "object" }>, flatten = 1): readonly Leaf[] {
  const split = (shape: Shape, path: readonly string[], levels: number): readonly Leaf[] =>
    shape.kind === "struct" && levels > 0
      ? shape.fields.flatMap((field) => split(field.shape, [...path, field.name], levels - 1))
      : [{ path, shape }];
  return split(formShape(form), [], flatten);
}

function memberAt(value: unknown, path: readonly string[]): unknown {
  let at = value;
  for (const name of path) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, name)) return null;
    at = (at as Readonly<Record<string, unknown>>)[name];
  }
  return at;
}
