/** The types of answers and of the columns they make, worked out by the compiler. */

import type { OutputOf, StandardSchema } from "./standard-schema.ts";

/**
 * The type of one answer: the labels as a union, what a library's schema gives, the fields of a short
 * form that is a literal, `unknown` for other schemas, a vector for embeddings, text otherwise.
 */
export type AnswerOf<O> = O extends StandardSchema
  ? OutputOf<O>
  : O extends { readonly embedding: unknown }
    ? Float32Array
    : O extends { readonly labels: infer L }
      ? LabelsOf<O, L extends readonly (infer One)[] ? One : keyof L & string>
      : O extends { readonly jsonSchema: unknown }
        ? unknown
        : O extends string
          ? ShortFormOf<O>
          : string;

type LabelsOf<O, L> = O extends { readonly multi: true }
  ? readonly Chosen<O, L>[]
  : O extends { readonly multi: false }
    ? Chosen<O, L>
    : O extends { readonly multi: boolean }
      ? Chosen<O, L> | readonly Chosen<O, L>[]
      : Chosen<O, L>;

// `string & {}` keeps the known labels in an editor's suggestions, where `string` alone would swallow them.
type Chosen<O, L> = O extends { readonly allowOther: boolean }
  ? O extends { readonly allowOther: false }
    ? L
    : L | (string & {})
  : L;

/** What the new column `Name` holds, or the columns of an object's fields where `Levels` is 1. */
export type AnswerColumns<Name extends string, V, Levels extends number> = Levels extends 0
  ? Readonly<Record<Name, ColumnOf<V> | null>>
  : unknown extends V
    ? // A schema the compiler cannot read: any of its columns may be named.
      Readonly<Record<Name | `${Name}_${string}`, ColumnOf<V> | null>>
    : IsStruct<NonNullable<V>> extends true
      ? Levels extends 1
        ? {
            readonly [K in keyof NonNullable<V> & string as `${Name}_${K}`]-?: ColumnOf<
              NonNullable<V>[K]
            > | null;
          }
        : Readonly<Record<`${Name}_${string}`, unknown>>
      : Readonly<Record<Name, ColumnOf<V> | null>>;

/** What a column can hold of a type: what no single type describes is text that holds JSON. */
type ColumnOf<V> = unknown extends V
  ? string
  : [NonNullable<V>] extends [string]
    ? NonNullable<V>
    : [NonNullable<V>] extends [number] | [boolean] | [Float32Array]
      ? NonNullable<V>
      : [NonNullable<V>] extends [readonly unknown[]]
        ? NonNullable<V>
        : IsStruct<NonNullable<V>> extends true
          ? NonNullable<V>
          : string;

/** Whether a type is one object with names known beforehand. */
type IsStruct<V> =
  IsUnion<V> extends true
    ? false
    : V extends readonly unknown[] | Date | Float32Array | ((...args: never) => unknown)
      ? false
      : V extends object
        ? string extends keyof V
          ? false
          : [keyof V] extends [never]
            ? false
            : true
        : false;

type IsUnion<V, All = V> = [V] extends [never]
  ? false
  : V extends unknown
    ? [All] extends [V]
      ? false
      : true
    : never;

type Trimmed<T extends string> = T extends ` ${infer R}` | `\n${infer R}` | `\t${infer R}`
  ? Trimmed<R>
  : T extends `${infer L} ` | `${infer L}\n` | `${infer L}\t`
    ? Trimmed<L>
    : T;

/** The object that a short form describes; `unknown` for text known only when run, or with quotes in it. */
type ShortFormOf<T extends string> = string extends T
  ? unknown
  : T extends `${string}"${string}`
    ? unknown
    : Flat<FieldsOf<T>>;

type Flat<T> = { readonly [K in keyof T]: T[K] };

type FieldsOf<T extends string> = T extends `${infer One},${infer Rest}`
  ? FieldOf<One> & FieldsOf<Rest>
  : FieldOf<T>;

type FieldOf<T extends string> = T extends `${infer Name}:${infer Type}`
  ? Trimmed<Name> extends `${infer Optional}?`
    ? Partial<Record<Trimmed<Optional>, TypeOf<Trimmed<Type>>>>
    : Record<Trimmed<Name>, TypeOf<Trimmed<Type>>>
  : unknown;

interface Named {
  readonly str: string;
  readonly int: number;
  readonly float: number;
  readonly bool: boolean;
  readonly date: string;
}

type TypeOf<T extends string> = T extends `${infer Item}[]`
  ? readonly TypeOf<Trimmed<Item>>[]
  : T extends `(${infer Values})`
    ? ValuesOf<Values>
    : T extends keyof Named
      ? Named[T]
      : ValuesOf<T>;

type ValuesOf<T extends string> = T extends `${infer One}|${infer Rest}`
  ? Trimmed<One> | ValuesOf<Rest>
  : Trimmed<T>;
