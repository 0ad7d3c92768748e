/** The faults that change which lines a row leaves in a result file, whatever protocol it is written in. */
import type { Target } from "./fault-state.ts";
import { hexId } from "./fingerprint.ts";
import type { World } from "./world.ts";

/** A row's line before any fault. */
export interface ResultLine {
  readonly text: string;
  readonly customId: string;
  readonly target: Target;
}

/** The lines of one row as the faults in force leave them: none, one or several. */
export function spoiledLines(world: World, line: ResultLine): readonly string[] {
  const { text, customId, target } = line;
  const lines: string[] = [];
  if (world.faults.strike("malformedLine", target) !== null) {
    lines.push(text.slice(0, text.length / 2));
  } else if (world.faults.strike("dropRows", target) === null) {
    lines.push(text);
  }
  const twice = world.faults.strike("duplicateRows", target);
  if (twice !== null) lines.push(twice.otherAnswer === true ? otherAnswer(text) : text);
  if (world.faults.strike("unknownIds", target) !== null) {
    const unknown = `unknown-${hexId(world.settings.seed, 16, "unknown", customId)}`;
    lines.push(text.replace(JSON.stringify(customId), () => JSON.stringify(unknown)));
  }
  return lines;
}

/** The same line saying something else: a different text, or a different vector. */
function otherAnswer(text: string): string {
  return JSON.stringify(JSON.parse(text), (key, value: unknown) => {
    if ((key === "content" || key === "text") && typeof value === "string")
      return `${value} (again)`;
    if (key === "embedding" && Array.isArray(value)) return value.toReversed() as unknown;
    return value;
  });
}
