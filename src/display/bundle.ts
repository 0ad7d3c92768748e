/** What a notebook shows of a value. */

/** The method a notebook asks a value for; Deno's kernel and others look for it under this name. */
export const DISPLAY: unique symbol = Symbol.for("Jupyter.display");

/** One value for people: as a page and as plain text. Notebooks choose the richer one they can show. */
export interface Bundle {
  readonly "text/html": string;
  readonly "text/plain": string;
}

/** A value that says how it is shown in a notebook. */
export interface Displayed {
  readonly [DISPLAY]: () => Bundle | Promise<Bundle>;
}

/**
 * The same value, which now shows itself in notebooks.
 *
 * The method is not enumerable: JSON, copies by spread and comparisons see the value as it was.
 */
export function displayed<T extends object>(
  value: T,
  show: (value: T) => Bundle | Promise<Bundle>,
): T {
  return Object.defineProperty(value, DISPLAY, {
    value: () => show(value),
    enumerable: false,
    configurable: true,
    writable: true,
  });
}
