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

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
