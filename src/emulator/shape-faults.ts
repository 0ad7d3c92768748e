/** The faults that make a structured answer other than it was asked for. */
import type { Answer } from "./answer.ts";
import type { FaultState, Target } from "./fault-state.ts";
import type { Faults } from "./faults.ts";
import { isJsonObject, parseJson, type JsonObject } from "./json.ts";

const DEEP_LEVELS = 200;

const SHAPE_FAULTS = [
  "wrongShapeRows",
  "deepRows",
  "duplicateKeyRows",
  "hugeRows",
  "fencedRows",
] as const satisfies readonly (keyof Faults)[];

/**
 * `answer` as the faults in force leave it, where it is structured: JSON as its text, or a call as
 * those tools make that stand for a schema. Free text has no shape to lose, and is never struck.
 *
 * A call's arguments travel as JSON of the protocol's own in some profiles, so only what such JSON can
 * hold befalls them: another shape, and depth.
 */
export function misshapen(answer: Answer, faults: FaultState, target: Target): Answer {
  // To find that a text is no JSON takes as long as everything else that is done for a row.
  const inForce = faults.current();
  if (SHAPE_FAULTS.every((name) => inForce[name] === undefined)) return answer;
  const whole = structureOf(answer);
  if (whole === null) return answer;
  let changed = answer;
  if (faults.strike("wrongShapeRows", target) !== null)
    changed = withStructure(changed, wrongShape(whole));
  if (faults.strike("deepRows", target) !== null) changed = withStructure(changed, deep());
  const { content } = changed;
  if (typeof content !== "string") return changed;
  let text = content;
  if (faults.strike("duplicateKeyRows", target) !== null) text = withDuplicate(text);
  const huge = faults.strike("hugeRows", target);
  if (huge !== null) text = text.replace(/^[{[]/, `$&${" ".repeat(huge.bytes ?? 2 ** 20)}`);
  if (faults.strike("fencedRows", target) !== null) text = `\`\`\`json\n${text}\n\`\`\``;
  return { ...changed, content: text };
}

/** The object an answer is, as text or as the arguments of its first call; null for any other answer. */
function structureOf({ content, toolCalls }: Answer): JsonObject | null {
  const called = toolCalls?.[0]?.arguments;
  const value = called ?? parseJson(content ?? "");
  return isJsonObject(value) ? value : null;
}

function withStructure(answer: Answer, value: JsonObject): Answer {
  const [first, ...others] = answer.toolCalls ?? [];
  if (first === undefined) return { ...answer, content: JSON.stringify(value) };
  return { ...answer, toolCalls: [{ ...first, arguments: value }, ...others] };
}

/** The same members, lists as an object each and everything else as a list of lists: no schema with types takes that. */
function wrongShape(value: JsonObject): JsonObject {
  const members = Object.entries(value).map(([name, member]) => [
    name,
    Array.isArray(member) ? { wrong: true } : [["wrong"]],
  ]);
  return members.length === 0 ? { wrong: true } : (Object.fromEntries(members) as JsonObject);
}

function deep(): JsonObject {
  let value: JsonObject = {};
  for (let level = 1; level < DEEP_LEVELS; level += 1) value = { deep: value };
  return value;
}

function withDuplicate(text: string): string {
  const value = parseJson(text);
  const [name] = isJsonObject(value) ? Object.keys(value) : [];
  if (name === undefined) return text;
  return `{${JSON.stringify(name)}:null,${text.trimStart().slice(1)}`;
}
