/** What is there already, or will be: rows whose answers need no waiting are not made to wait. */

/** A value, or the promise of one. */
export type Soon<T> = T | Promise<T>;

/** What `next` makes of a value: at once where the value is there. */
export function after<T, R>(value: Soon<T>, next: (value: T) => R): Soon<R> {
  return value instanceof Promise ? value.then(next) : next(value);
}

/** All the values, in their order; at once where all of them are there. */
export function allOf<T>(values: readonly Soon<T>[]): Soon<readonly T[]> {
  return values.some((value) => value instanceof Promise)
    ? Promise.all(values)
    : (values as readonly T[]);
}
