import ts from "typescript";
import { parse, placeOf, walk } from "./source.ts";
import type { Sources } from "./source.ts";

const MAX_LINES = 400;
// The groups keep this line from being found by a search for the very marks.
const MARKS = /\b(TO(?:DO)|FIX(?:ME))\b|@ts-(?:ignore|nocheck)|eslint-(?:disable)/;

/** Files that are too long, marks of unfinished work, checks switched off, and uses of `any`. */
export function textBreaches(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const lines = text.split("\n");
    const tooLong = lines.length - 1 > MAX_LINES ? [`${path} has ${lines.length - 1} lines`] : [];
    const marked = lines.flatMap((line, index) => {
      const mark = MARKS.exec(line);
      return mark === null ? [] : [`${path}:${index + 1} says ${mark[0]}`];
    });
    return [...tooLong, ...marked, ...usesOfAny(path, text)];
  });
}

function usesOfAny(path: string, text: string): string[] {
  const file = parse(path, text);
  const found: string[] = [];
  walk(file, (node) => {
    if (node.kind === ts.SyntaxKind.AnyKeyword) found.push(`${placeOf(file, node)} uses any`);
  });
  return found;
}
