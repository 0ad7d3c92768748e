/** The compile-time side of templates: a misspelt column in a typed frame does not compile. */

type Trim<T extends string> = T extends ` ${infer R}` | `\n${infer R}` | `\t${infer R}`
  ? Trim<R>
  : T extends `${infer L} ` | `${infer L}\n` | `${infer L}\t`
    ? Trim<L>
    : T;

type Head<T extends string> = T extends `${infer H}|${string}` ? Trim<H> : Trim<T>;

/** The column a placeholder names; a quoted name is left to the check at run time. */
type Named<T extends string> = Head<T> extends `"${string}` ? never : Head<T>;

/** True when a type is `any`, as the schema of an untyped frame is. */
export type IsAny<T> = 0 extends 1 & T ? true : false;

/** The names of a schema's columns; any text for an untyped frame. */
export type ColumnsOf<S> = IsAny<S> extends true ? string : keyof S & string;

/** The columns a template literal names, as a union; `string` when the template is not a literal. */
export type Placeholders<T extends string> = string extends T
  ? string
  : T extends `${infer Before}{{${infer P}}}${infer Rest}`
    ? Before extends `${string}\\`
      ? Placeholders<`${P}}}${Rest}`>
      : Named<P> | Placeholders<Rest>
    : never;

/** The name's own type when the frame has such a column or nobody knows, else an object type that names the culprit. */
export type CheckColumn<S, C extends string> = string extends C
  ? C
  : [Exclude<C, ColumnsOf<S>>] extends [never]
    ? C
    : { readonly "unknown column": Exclude<C, ColumnsOf<S>>; readonly "columns are": ColumnsOf<S> };

/** The template's own type when every column it names exists, else an object type that names the culprit. */
export type CheckTemplate<S, T extends string> = string extends T
  ? T
  : IsAny<S> extends true
    ? T
    : [Exclude<Placeholders<T>, ColumnsOf<S>>] extends [never]
      ? T
      : {
          readonly "unknown column in template": Exclude<Placeholders<T>, ColumnsOf<S>>;
          readonly "columns are": ColumnsOf<S>;
        };
