/** Values out of JSON that a provider wrote: nothing about them is taken on trust. */

/** The value `text` stands for, or null when it is not JSON; a byte order mark before it is forgiven. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text.startsWith("\uFEFF") ? text.slice(1) : text) as unknown;
  } catch {
    return null;
  }
}

/** The value when it is an object, else null. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> | null {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as Readonly<Record<string, unknown>>)
    : null;
}

/** The value when it is a string, else null. */
export function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}

/** The value when it is a number, else null. */
export function numberOf(value: unknown): number | null {
  return typeof value === "number" ? value : null;
}

/** The objects among the members of a list, in order; none when the value is no list. */
export function recordsOf(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  const members: readonly unknown[] = Array.isArray(value) ? value : [];
  return members.map(asRecord).filter((member) => member !== null);
}
