/** The types a cell of a typed file can have, and the raw form in which their readers hand cells over. */

/** What one step of a stored time counts. */
export type TimeUnit = "s" | "ms" | "us" | "ns";

/**
 * The type of a column of a Parquet or Arrow file, as far as reading its cells goes.
 *
 * A map is a list of structs with the fields `key` and `value`, so that its order and repeated keys stay.
 */
export type CellType =
  | { readonly kind: "null" }
  | {
      readonly kind: "text";
      /** Whether the file stores each text once and refers to it: categories. */
      readonly isCategory?: true;
      /** Whether the order of the categories means something. */
      readonly isOrdered?: true;
      /** What a Parquet file says of it besides being text. */
      readonly annotation?: "JSON" | "ENUM";
    }
  | { readonly kind: "boolean" }
  | {
      readonly kind: "integer";
      readonly bits: 8 | 16 | 32 | 64;
      readonly isSigned: boolean;
    }
  | { readonly kind: "float"; readonly bits: 16 | 32 | 64 }
  | { readonly kind: "decimal"; readonly precision: number; readonly scale: number }
  | { readonly kind: "date" }
  | { readonly kind: "time"; readonly unit: TimeUnit }
  /** An instant where `zone` names a time zone, else a date with a time that no zone is known of. */
  | {
      readonly kind: "timestamp";
      readonly unit: TimeUnit;
      readonly zone: string | null;
      /** Whether it is stored as 96 bits, which reach further than 64 do. */
      readonly isWide?: true;
    }
  | { readonly kind: "duration"; readonly unit: TimeUnit }
  /** What is stored beside months: nothing, days and milliseconds, or days and nanoseconds. */
  | { readonly kind: "interval"; readonly layout: "months" | "days" | "nanoseconds" | "parquet" }
  | { readonly kind: "uuid" }
  | {
      readonly kind: "bytes";
      /** How many in every cell; null where that differs. */
      readonly width: number | null;
      /** What the file says they are, where nothing here knows it. */
      readonly annotation?: string;
    }
  /** A type that nothing here can read; `what` names it for the message. */
  | { readonly kind: "unreadable"; readonly what: string }
  | {
      readonly kind: "list";
      readonly element: CellType;
      /** How many elements every cell has; left out where that differs. */
      readonly size?: number;
      readonly isMap?: true;
    }
  | { readonly kind: "struct"; readonly fields: readonly CellField[] };

/** One field of a struct. */
export interface CellField {
  readonly name: string;
  readonly type: CellType;
}

/**
 * A cell as its file stores it.
 *
 * Integers are numbers or bigints; decimals unscaled bigints; dates days since 1970; times, timestamps
 * and durations bigints that count their unit (timestamps from 1970 in UTC); intervals `[months, days,
 * nanoseconds]`; uuid and bytes are bytes; lists are arrays of elements, structs arrays of field values
 * in the order of their fields.
 */
export type RawCell =
  string | number | bigint | boolean | Uint8Array | null | undefined | readonly RawCell[];

/** What makes a column of this type impossible to give as text, in words; null where nothing does. */
export function textObstacle(type: CellType): string | null {
  switch (type.kind) {
    case "bytes":
      return "bytes";
    case "unreadable":
      return type.what;
    case "list":
      return textObstacle(type.element);
    case "struct":
      return type.fields.map((field) => textObstacle(field.type)).find((it) => it !== null) ?? null;
    default:
      return null;
  }
}

/** The same for values, which bytes do not stand in the way of. */
export function valueObstacle(type: CellType): string | null {
  switch (type.kind) {
    case "unreadable":
      return type.what;
    case "list":
      return valueObstacle(type.element);
    case "struct":
      return (
        type.fields.map((field) => valueObstacle(field.type)).find((it) => it !== null) ?? null
      );
    default:
      return null;
  }
}
