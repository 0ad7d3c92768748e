/** The flags that say how a model is asked, and what they stand for. */

import { InputError, headOfFile } from "../index.ts";
import type {
  CallSettings,
  Example,
  OutputOption,
  PromptCache,
  Tool,
  ToolChoice,
} from "../index.ts";
import type { ReasoningValue } from "./flag-values.ts";
import { textOf } from "./given.ts";

/** Flags of every command that makes requests. */
export interface CallFlags {
  readonly maxTokens?: number;
  readonly temperature?: number;
  readonly topP?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly reasoning?: ReasoningValue;
  readonly tools?: string;
  readonly toolChoice?: string;
  readonly fewShot?: string;
  readonly cacheSystem?: boolean;
  readonly cacheTools?: boolean;
  readonly cacheLast?: number;
  readonly cacheTtl?: "5m" | "1h";
  readonly cacheKey?: string;
  readonly cacheContent?: string;
  readonly endpoint?: "chat" | "responses";
}

/** The options these flags stand for; `column` is the name of the new column, `output` what it holds. */
export async function callOptions(
  flags: CallFlags,
  { column, output }: { readonly column: string; readonly output: OutputOption },
): Promise<CallSettings & { promptCache?: PromptCache; examples?: readonly Example[] }> {
  const { maxTokens, temperature, topP, seed, stop, reasoning } = flags;
  const promptCache = promptCacheOf(flags);
  return {
    ...defined({ maxTokens, temperature, topP, seed, stop, reasoning }),
    ...(flags.tools === undefined ? {} : { tools: await toolsOf(flags.tools) }),
    ...(flags.toolChoice === undefined ? {} : { toolChoice: toolChoiceOf(flags.toolChoice) }),
    ...(flags.fewShot === undefined
      ? {}
      : { examples: await examplesOf(flags.fewShot, { column, isText: isText(output) }) }),
    ...(Object.keys(promptCache).length === 0 ? {} : { promptCache }),
  };
}

/** The members that hold something. */
function defined<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const held = Object.entries(members).filter(([, value]) => value !== undefined);
  return Object.fromEntries(held) as { [K in keyof T]: Exclude<T[K], undefined> };
}

function promptCacheOf(flags: CallFlags): PromptCache {
  const { cacheSystem, cacheTools, cacheLast, cacheTtl, cacheKey, cacheContent } = flags;
  return defined({
    system: cacheSystem,
    tools: cacheTools,
    lastUserMessages: cacheLast,
    ttl: cacheTtl,
    key: cacheKey,
    content: cacheContent,
  });
}

const CHOICES = ["auto", "none", "required"] as const;

function toolChoiceOf(word: string): ToolChoice {
  return CHOICES.find((choice) => choice === word) ?? { tool: word };
}

/**
 * Tools from JSON, or from a file of it: a list of `{name, description?, parameters}`, or in OpenAI's
 * wrapping `{type: "function", function: {…}}`.
 *
 * @throws {InputError} `tools_invalid`
 */
async function toolsOf(value: string): Promise<readonly Tool[]> {
  const list: unknown = parsed(await textOf("--tools", value));
  if (!Array.isArray(list) || list.length === 0)
    throw toolsInvalid("--tools is not a JSON list of tools");
  return list.map((item: unknown, at) => {
    const wrapped: unknown = isObject(item) ? (item["function"] ?? item) : null;
    if (!isObject(wrapped) || typeof wrapped["name"] !== "string")
      throw toolsInvalid(`Tool ${String(at + 1)} has no name`);
    const { name, description, parameters } = wrapped;
    if (!isObject(parameters))
      throw toolsInvalid(`Tool ${name} has no "parameters", a JSON Schema`);
    return {
      name,
      ...(typeof description === "string" ? { description } : {}),
      parameters: parameters as Tool["parameters"],
    };
  });
}

function toolsInvalid(problem: string): InputError {
  return new InputError("tools_invalid", `${problem}. Nothing was sent.`, {
    hint: 'Write [{"name": "lookup", "description": "…", "parameters": {"type": "object", "properties": {…}}}], or @FILE.json with it.',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

const MOST_EXAMPLES = 1000;

/**
 * Examples from a CSV file: the columns the prompt names, and the answers in a column named like the
 * new one, else `output`. A blank answer is no example to show.
 *
 * @throws {InputError} `few_shot_invalid`, and what a damaged file throws.
 */
async function examplesOf(
  path: string,
  { column, isText }: { readonly column: string; readonly isText: boolean },
): Promise<readonly Example[]> {
  const { columns, rows } = await headOfFile(path, MOST_EXAMPLES);
  const answer = [column, "output"].map((name) => columns.indexOf(name)).find((at) => at >= 0);
  if (answer === undefined)
    throw new InputError(
      "few_shot_invalid",
      `${path} has no column named ${JSON.stringify(column)} or "output" that holds the answers. Nothing was sent.`,
      { hint: `Its columns are: ${columns.join(", ")}.` },
    );
  const blank = rows.findIndex((row) => (row[answer] ?? "").trim() === "");
  if (blank >= 0)
    throw new InputError(
      "few_shot_invalid",
      `The answer in row ${String(blank + 1)} of ${path} is blank. Nothing was sent.`,
      { hint: "Give every example its answer, or leave it out." },
    );
  return rows.map((row) => ({
    input: Object.fromEntries(
      columns.flatMap((name, at) => (at === answer ? [] : [[name, cellOf(row[at])]])),
    ),
    output: answerOf(row[answer] ?? "", isText),
  }));
}

function cellOf(cell: string | null | undefined): string | null {
  return cell === undefined || cell === "" ? null : cell;
}

/** Whether answers are texts or labels, and so an answer 1 is no number. */
function isText(output: OutputOption): boolean {
  return output === undefined || (typeof output === "object" && "labels" in output);
}

/** JSON objects and lists as such, numbers and truths where a schema has them, anything else as the text it is. */
function answerOf(text: string, isText: boolean): Example["output"] {
  const value = parsed(text);
  if (!isText && (typeof value === "number" || typeof value === "boolean")) return value;
  return isObject(value) || Array.isArray(value) ? (value as Example["output"]) : text;
}
