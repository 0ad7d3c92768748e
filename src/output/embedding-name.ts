/** Models whose names say that they make vectors, as the compiler knows them. */

/** The output of a model: what was asked for, or a vector where nothing was and the name says so. */
export type OutputOfModel<O, M> = [O] extends [undefined]
  ? SaysEmbedding<NameOf<M>> extends true
    ? { readonly embedding: true }
    : O
  : O;

/** A model's name, as far as the type of what names it knows. */
type NameOf<M> = M extends string
  ? M
  : M extends { readonly model: infer N extends string }
    ? N
    : string;

/** Whether a name holds the word embed, embeds, embedding or embeddings; false for a name that is not known. */
type SaysEmbedding<N extends string> = string extends N ? false : HasWord<Lowercase<N>>;

// The letter put before the rest is what a later `embed` would have before it.
type HasWord<N extends string> = N extends `${infer Before}embed${infer After}`
  ? [EndsInLetter<Before>, BeginsWithLetter<WithoutEnding<After>>] extends [false, false]
    ? true
    : HasWord<`d${After}`>
  : false;

type WithoutEnding<T extends string> = WithoutS<T extends `ding${infer Rest}` ? Rest : T>;
type WithoutS<T extends string> = T extends `s${infer Rest}` ? Rest : T;

type EndsInLetter<T extends string> = T extends `${string}${Letter}` ? true : false;
type BeginsWithLetter<T extends string> = T extends `${Letter}${string}` ? true : false;

type Letter =
  | ("a" | "b" | "c" | "d" | "e" | "f" | "g" | "h" | "i" | "j" | "k" | "l" | "m")
  | ("n" | "o" | "p" | "q" | "r" | "s" | "t" | "u" | "v" | "w" | "x" | "y" | "z");
