/** render: a template and a row become a prompt. */

import { attachmentOf } from "../core/attachment.ts";
import type { Cell } from "../core/column.ts";
import { cutText, type LongTexts } from "../core/cut.ts";
import { InputError } from "../core/errors.ts";
import { answerText, quotedFields, QUOTES, WRAPPED, type AnswerForm } from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import { textOfMessage, type Message, type Part, type Prompt } from "../core/request.ts";
import { renderTemplate, type OnNull, type RowCells, type Template } from "../core/template.ts";
import type { Rendering } from "./ports.ts";

/** A piece of a message as a template function may give it: bytes may be bytes, and their type is read from them. */
export type PartGiven =
  | Part
  | { readonly type: "image" | "file"; readonly data: Uint8Array; readonly mediaType?: string };

/** A message as a template function may give it. */
export interface MessageGiven {
  readonly role: Message["role"];
  readonly content: string | readonly PartGiven[];
}

/** What a template written as a function may give for a row: the user's text, the messages, or null to skip the row. */
export type PromptAnswer =
  | string
  | { readonly system?: string; readonly user: string | readonly PartGiven[] }
  | readonly MessageGiven[]
  | null;

/** A template written as a function of the row; `columns` are those it may read. */
export interface RowFunction {
  readonly columns: readonly string[];
  readonly prompt: (row: Readonly<Record<string, Cell>>) => PromptAnswer;
}

/** An answered example shown to the model before every prompt: a row (or the user's text itself) and its answer. */
export interface Example {
  readonly input: string | Readonly<Record<string, string | number | boolean | null>>;
  readonly output: Json;
}

/** What stands before every prompt. */
export interface Preamble {
  readonly system: string | undefined;
  readonly examples: readonly Example[];
  /** The form of the examples' answers. */
  readonly form: AnswerForm;
  /** What becomes of longer cells than a row may show; nothing when left out. Only for text templates. */
  readonly long?: LongTexts | null;
}

/**
 * The rendering of a text template; a missing cell gives null unless `onNull` is `empty`, one that
 * cannot be attached as the template says gives `unfit`, a longer one than it may be `too_long`.
 *
 * @throws {InputError} `example_invalid` for an example that lacks a column the template names.
 */
export function textRendering(template: Template, before: Preamble, onNull: OnNull): Rendering {
  const inputOf = (input: ExampleRow, at: number): Message => {
    const rendered = renderTemplate(template, exampleCells(input), onNull);
    if ("content" in rendered) return { role: "user", content: rendered.content };
    const column = "missing" in rendered ? rendered.missing : rendered.unfit;
    throw exampleInvalid(at, `its column ${JSON.stringify(column)} is blank or not what is needed`);
  };
  const first = preambleMessages(before, inputOf);
  return {
    columns: template.columns,
    prompts: (block) => {
      // Asked for once per block: a frame may convert a whole column for it.
      const attached = new Set(template.attached);
      const texts = new Map(
        template.columns.flatMap((name) => (attached.has(name) ? [] : [[name, block.text(name)]])),
      );
      const values = new Map(template.attached.map((name) => [name, block.values(name)]));
      const fitting = fittingOf(before.long ?? null);
      let row = 0;
      const cells: RowCells = {
        text: (column) => texts.get(column)?.[row] ?? null,
        value: (column) => values.get(column)?.[row] ?? null,
        ...fitting.rule,
      };
      return (at) => {
        row = at;
        const rendered = renderTemplate(template, cells, onNull);
        const isCut = fitting.takeCut();
        if ("missing" in rendered) return null;
        if ("unfit" in rendered) return "unfit";
        if (isCut && before.long?.onLong === "fail") return "too_long";
        const messages: Message[] = [...first, { role: "user", content: rendered.content }];
        return isCut
          ? { messages, cells: rendered.cells, isCut }
          : { messages, cells: rendered.cells };
      };
    },
  };
}

/** Cuts texts where they are longer than they may be, and notes that it did. */
function fittingOf(long: LongTexts | null): {
  /** Nothing where texts may be of any length. */
  readonly rule: Pick<RowCells, "fit">;
  /** Whether a text was cut since the last call. */
  takeCut(): boolean;
} {
  if (long === null) return { rule: {}, takeCut: () => false };
  let isCut = false;
  return {
    rule: {
      fit: (text) => {
        const cut = cutText(text, long.maxChars);
        isCut ||= cut !== text;
        return cut;
      },
    },
    takeCut: () => {
      const was = isCut;
      isCut = false;
      return was;
    },
  };
}

/**
 * The rendering of a function of the row. What it gives is the user's message, after `system` and the
 * examples, unless it gives the whole list of messages.
 *
 * @throws {InputError} `example_invalid` for an example whose row the function skips.
 */
export function functionRendering(template: RowFunction, before: Preamble): Rendering {
  const inputOf = (input: ExampleRow, at: number): Message => {
    const answer = callTemplate(template, input, `example ${String(at + 1)}`);
    const asked = answer === null ? [] : messagesOf(answer, [], `example ${String(at + 1)}`);
    const last = asked.findLast(({ role }) => role === "user");
    if (last === undefined) throw exampleInvalid(at, "the template function gives no message");
    return last;
  };
  const first = preambleMessages(before, inputOf);
  return {
    columns: template.columns,
    prompts: (block) => {
      const values = template.columns.map((column) => [column, block.values(column)] as const);
      return (row) => {
        const cells: Record<string, Cell> = Object.create(null) as Record<string, Cell>;
        for (const [column, cellsOfColumn] of values) cells[column] = cellsOfColumn[row] ?? null;
        const name = `row ${String(block.firstRow + row + 1)}`;
        const answer = callTemplate(template, cells, name);
        return answer === null ? null : promptOf(messagesOf(answer, first, name));
      };
    },
  };
}

/**
 * The prompts of texts and messages that are at hand already, after the same system text and examples
 * as a template's; null for one that says nothing. `name` is what errors call it, such as "request 3".
 *
 * @throws {InputError} `example_invalid` for an example whose input is a row: there is no template for it.
 */
export function givenPrompts(
  before: Preamble,
): (given: NonNullable<PromptAnswer>, name: string) => Prompt | null {
  const first = preambleMessages(before, (_, at) => {
    throw exampleInvalid(at, "its input is a row, and there is no template to put it into");
  });
  return (given, name) => promptOf(messagesOf(given, first, name));
}

function preambleMessages(
  { system, examples, form }: Preamble,
  inputOf: (input: ExampleRow, at: number) => Message,
): readonly Message[] {
  const messages: Message[] = system === undefined ? [] : [{ role: "system", content: system }];
  for (const [at, { input, output }] of examples.entries()) {
    if (quotedFields(form).length > 0 && !isQuoting(output))
      throw exampleInvalid(at, "its output has no quotes; give { answer, quotes }");
    messages.push(
      typeof input === "string" ? { role: "user", content: input } : inputOf(input, at),
      { role: "assistant", content: answerText(form, output) },
    );
  }
  return messages;
}

/** Whether an example shows the answer with its quotes, as the model is to give them. */
function isQuoting(output: Json): boolean {
  const members: readonly string[] = Object.keys(Object(output) as object);
  return members.length === 2 && members.includes(WRAPPED) && members.includes(QUOTES);
}

type ExampleRow = Exclude<Example["input"], string>;

function exampleCells(input: ExampleRow): RowCells {
  const value = (column: string): ExampleRow[string] => input[column] ?? null;
  return {
    value,
    text: (column) => {
      const cell = value(column);
      return cell === null ? null : String(cell);
    },
  };
}

function exampleInvalid(at: number, problem: string): InputError {
  return new InputError(
    "example_invalid",
    `Example ${String(at + 1)} cannot be used: ${problem}. Nothing was sent.`,
    { hint: "Give each example { input: a row or a text, output: its answer }." },
  );
}

function callTemplate(
  template: RowFunction,
  cells: Readonly<Record<string, Cell>>,
  name: string,
): PromptAnswer {
  try {
    return template.prompt(cells);
  } catch (cause) {
    throw new InputError(
      "template_threw",
      `The template function threw on ${name}: ${String(cause)}. Nothing was sent.`,
      { hint: "Return null for a row that should be skipped.", cause },
    );
  }
}

/** What a template function gave, as messages after those that come `first`. */
function messagesOf(
  answer: NonNullable<PromptAnswer>,
  first: readonly Message[],
  name: string,
): readonly Message[] {
  const given = givenMessages(answer, first);
  const messages = given.map(readMessage);
  if (messages.length > 0 && messages.every((message) => message !== null)) return messages;
  throw new InputError(
    "template_result",
    `What is to be asked for ${name} is something other than text or messages. Nothing was sent.`,
    { hint: "Give a string, { system, user }, a list of messages, or null to skip the row." },
  );
}

function givenMessages(
  answer: NonNullable<PromptAnswer>,
  first: readonly Message[],
): readonly unknown[] {
  if (typeof answer === "string") return [...first, { role: "user", content: answer }];
  if (Array.isArray(answer)) return answer as readonly unknown[];
  // What a function gives is only as sure as its types are: one without a return gives undefined.
  const { user, system } = Object(answer) as { user?: unknown; system?: string };
  if (user === undefined) return [];
  const others = system === undefined ? first : first.filter(({ role }) => role !== "system");
  const own = system === undefined ? [] : [{ role: "system", content: system }];
  return [...own, ...others, { role: "user", content: user }];
}

/** The prompt of some messages; null when no user message says or attaches anything. */
function promptOf(messages: readonly Message[]): Prompt | null {
  const asked = messages.filter((message) => message.role === "user");
  const isBlank = asked.every(
    (message) =>
      textOfMessage(message).trim() === "" &&
      (typeof message.content === "string" || message.content.every(({ type }) => type === "text")),
  );
  if (isBlank) return null;
  return { messages, cells: asked.slice(-1).map(textOfMessage) };
}

const ROLES: readonly unknown[] = ["system", "user", "assistant"];

function readMessage(value: unknown): Message | null {
  const { role, content } = Object(value) as Readonly<Record<string, unknown>>;
  if (!ROLES.includes(role)) return null;
  if (typeof content === "string") return { role: role as Message["role"], content };
  if (!Array.isArray(content)) return null;
  const parts = content.map(readPart);
  if (!parts.every((part) => part !== null)) return null;
  return { role: role as Message["role"], content: parts };
}

function readPart(value: unknown): Part | null {
  const part = Object(value) as Readonly<Record<string, unknown>>;
  const { type, text, url, data, mediaType } = part;
  if (type === "text") return typeof text === "string" ? { type, text } : null;
  if (type !== "image" && type !== "file") return null;
  if (typeof url === "string") return attachmentOf(type, url);
  if (typeof data === "string" && typeof mediaType === "string") return { type, data, mediaType };
  if (!(data instanceof Uint8Array)) return null;
  if (typeof mediaType !== "string") return attachmentOf(type, data);
  return { type, data: Buffer.from(data).toString("base64"), mediaType };
}
