/** The columns beside an answer that a run was asked for, as the compiler knows them. */

import type { MetaCell, MetaColumnOf, MetaName } from "./core/meta.ts";

/** What becomes of a text that is longer than `maxChars`. */
export type OnLong = "fail" | "truncate" | "chunk";

/** The columns told beside the answers `V` of the column `Name`: those of `meta`, of quotes and of cut texts. */
export type ToldColumns<
  Name extends string,
  V,
  Meta extends MetaName,
  Quotes extends boolean,
  Long extends OnLong,
> = {
  readonly [M in MetaColumnOf<Meta> as `${Name}_${M}`]: MetaCell<M> | null;
} & QuoteColumns<Name, V, Quotes> &
  ([Long] extends ["truncate"] ? Readonly<Record<`${Name}_truncated`, boolean | null>> : unknown) &
  ([Long] extends ["chunk"] ? Readonly<Record<`${Name}_pieces`, number | null>> : unknown);

type QuoteColumns<Name extends string, V, Quotes extends boolean> = [Quotes] extends [true]
  ? unknown extends V
    ? // A schema the compiler cannot read: any field may have a quote.
      Readonly<Record<`${Name}_${string}_quote`, string | null>>
    : {
        readonly [K in keyof NonNullable<V> & string as `${Name}_${K}_quote`]: string | null;
      }
  : unknown;
