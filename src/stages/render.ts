/** render: a template and a row become a prompt. */

import type { Cell } from "../core/column.ts";
import { InputError } from "../core/errors.ts";
import type { Message, Prompt } from "../core/request.ts";
import { renderTemplate, type OnNull, type Template } from "../core/template.ts";
import type { Rendering } from "./ports.ts";

/** What a template written as a function may give for a row: the user's text, the messages, or null to skip the row. */
export type PromptAnswer =
  string | { readonly system?: string; readonly user: string } | readonly Message[] | null;

/** A template written as a function of the row; `columns` are those it may read. */
export interface RowFunction {
  readonly columns: readonly string[];
  readonly prompt: (row: Readonly<Record<string, Cell>>) => PromptAnswer;
}

/** The rendering of a text template; a missing cell gives null unless `onNull` is `empty`. */
export function textRendering(
  template: Template,
  system: string | undefined,
  onNull: OnNull,
): Rendering {
  const before: readonly Message[] =
    system === undefined ? [] : [{ role: "system", content: system }];
  return {
    columns: template.columns,
    prompts: (block) => {
      // Asked for once per block: a frame may convert a whole column for it.
      const texts = new Map(template.columns.map((column) => [column, block.text(column)]));
      return (row) => {
        const cell = (column: string): string | null => texts.get(column)?.[row] ?? null;
        const rendered = renderTemplate(template, cell, onNull);
        if ("missing" in rendered) return null;
        const messages = [...before, { role: "user", content: rendered.text } as const];
        return { messages, cells: rendered.cells };
      };
    },
  };
}

/** The rendering of a function of the row. A text it gives is the user's message, after `system`. */
export function functionRendering(template: RowFunction, system: string | undefined): Rendering {
  return {
    columns: template.columns,
    prompts: (block) => {
      const values = template.columns.map((column) => [column, block.values(column)] as const);
      return (row) => {
        const cells: Record<string, Cell> = Object.create(null) as Record<string, Cell>;
        for (const [column, cellsOfColumn] of values) cells[column] = cellsOfColumn[row] ?? null;
        const answer = callTemplate(template, cells, block.firstRow + row);
        return answer === null ? null : promptOf(answer, system, block.firstRow + row);
      };
    },
  };
}

function callTemplate(
  template: RowFunction,
  cells: Readonly<Record<string, Cell>>,
  row: number,
): PromptAnswer {
  try {
    return template.prompt(cells);
  } catch (cause) {
    throw new InputError(
      "template_threw",
      `The template function threw on row ${String(row + 1)}: ${String(cause)}. Nothing was sent.`,
      { hint: "Return null for a row that should be skipped.", cause },
    );
  }
}

function promptOf(
  answer: NonNullable<PromptAnswer>,
  system: string | undefined,
  row: number,
): Prompt | null {
  const messages =
    typeof answer === "string" ? fromText(answer, system) : fromParts(answer, system);
  const usable = messages.every(isMessage);
  if (!usable || messages.length === 0)
    throw new InputError(
      "template_result",
      `The template function gave something other than text or messages on row ${String(row + 1)}. Nothing was sent.`,
      { hint: "Return a string, { system, user }, a list of messages, or null to skip the row." },
    );
  const asked = messages.filter((message) => message.role === "user");
  if (asked.every((message) => message.content.trim() === "")) return null;
  return { messages, cells: asked.slice(-1).map((message) => message.content) };
}

function fromText(text: string, system: string | undefined): Message[] {
  const user: Message = { role: "user", content: text };
  return system === undefined ? [user] : [{ role: "system", content: system }, user];
}

function fromParts(
  answer: Exclude<PromptAnswer, string | null>,
  system: string | undefined,
): readonly Message[] {
  if (isMessages(answer)) return answer;
  // What a function gives is only as sure as its types are: one without a return gives undefined.
  const { user, system: own } = Object(answer) as { user?: string; system?: string };
  return user === undefined ? [] : fromText(user, own ?? system);
}

function isMessages(answer: Exclude<PromptAnswer, string | null>): answer is readonly Message[] {
  return Array.isArray(answer);
}

const ROLES: readonly unknown[] = ["system", "user", "assistant"];

function isMessage(value: unknown): boolean {
  const message = Object(value) as Readonly<Record<string, unknown>>;
  return typeof message["content"] === "string" && ROLES.includes(message["role"]);
}
