/** The rules by which Vertex imports a request file: a breach in one row fails the whole job. */

import type { Json, JsonObject } from "../core/hash.ts";

/** What the importer would not take, and where. */
export interface ImportBreach {
  /** Such as `request.generationConfig.responseJsonSchema.properties.a`. */
  readonly path: string;
  readonly why: string;
}

/** The deepest that objects may stand in one another, the row itself counted. */
export const MAX_DEPTH = 15;

/**
 * The first breach in a row, null when there is none: a name with `$` or a blank, an empty object,
 * more than {@link MAX_DEPTH} objects in one another, a place that holds values of two types (the
 * members of a list share one place, whole and broken numbers are one type, null is of every type).
 *
 * Source: the importer reads rows as BigQuery loads JSON.
 */
export function importBreach(row: JsonObject): ImportBreach | null {
  return breachIn(row, { path: "", depth: 0, types: new Map() });
}

interface Place {
  readonly path: string;
  readonly depth: number;
  /** The type found at every path so far. */
  readonly types: Map<string, string>;
}

function breachIn(value: Json, place: Place): ImportBreach | null {
  const { path, types } = place;
  const breach = (why: string): ImportBreach => ({ path, why });
  if (value === null) return null;
  const type = Array.isArray(value) ? "list" : typeof value;
  const before = types.get(path) ?? type;
  if (before !== type)
    return breach(`it is of the type ${type} in one place and ${before} in another`);
  types.set(path, type);
  if (typeof value !== "object") return null;
  if (Array.isArray(value)) {
    const inner = { ...place, path: `${path}[]` };
    return first(value as readonly Json[], (one) => breachIn(one, inner));
  }
  const members = Object.entries(value as JsonObject);
  if (members.length === 0) return breach("an object there must not be empty");
  if (place.depth >= MAX_DEPTH)
    return breach(`more than ${String(MAX_DEPTH)} objects stand in one another`);
  return first(members, ([name, inner = null]) => {
    const within = path === "" ? name : `${path}.${name}`;
    if (/[$\s]/.test(name)) return { path: within, why: "a name may hold no blank and no $" };
    return breachIn(inner, { ...place, path: within, depth: place.depth + 1 });
  });
}

function first<T>(
  items: readonly T[],
  find: (item: T) => ImportBreach | null,
): ImportBreach | null {
  for (const item of items) {
    const found = find(item);
    if (found !== null) return found;
  }
  return null;
}
