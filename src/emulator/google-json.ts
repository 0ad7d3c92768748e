/** Members of protobuf JSON, whose names may be written in camel case or in snake case. */
import { isJsonObject, type JsonObject } from "./json.ts";

/** The member `name`, given in camel case, under whichever of its two names it stands; else undefined. */
export function member(object: JsonObject, name: string): unknown {
  return object[name] ?? object[snakeCase(name)];
}

/** The member when it is an object, else an empty one. */
export function objectMember(object: JsonObject, name: string): JsonObject {
  const value = member(object, name);
  return isJsonObject(value) ? value : {};
}

/** The member when it is a list, else an empty one. */
export function listMember(object: JsonObject, name: string): readonly unknown[] {
  const value = member(object, name);
  return Array.isArray(value) ? value : [];
}

/** The first member of `object` that is none of `names`, or null; both spellings are known. */
export function unknownMember(object: JsonObject, names: ReadonlySet<string>): string | null {
  return Object.keys(object).find((name) => !names.has(camelCase(name))) ?? null;
}

// The service has few names of its own, but a client may send any: those are not kept without end.
const MOST_NAMES = 1000;

/** A spelling that is worked out once for each name. */
function spelling(spell: (name: string) => string): (name: string) => string {
  const known = new Map<string, string>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    if (known.size >= MOST_NAMES) known.clear();
    const spelt = spell(name);
    known.set(name, spelt);
    return spelt;
  };
}

/** A name as it is in snake case. */
export const snakeCase = spelling((name) =>
  name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
);

/** A name as it is in camel case. */
export const camelCase = spelling((name) =>
  name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
);
