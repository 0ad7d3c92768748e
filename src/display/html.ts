/** Markup in which every value is text: what is put into it is escaped unless it is markup itself. */

import { visible } from "./text.ts";

const MARKUP = Symbol("markup");

/** A piece of markup made by {@link markup}, and by nothing else. */
export interface Html {
  readonly [MARKUP]: string;
}

/** What may stand in markup: text and figures, which are escaped, and other markup. */
export type Content = string | number | Html | readonly Html[];

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * Markup from a template; the values between are escaped, whatever they hold.
 *
 * Values may stand between tags and within quoted attributes; characters that act without being seen
 * are made visible first. Line breaks of the template itself are for its reader and left out.
 */
export function markup(parts: TemplateStringsArray, ...values: readonly Content[]): Html {
  const whole = parts.reduce((text, part, at) => {
    const value = values[at - 1];
    return `${text}${value === undefined ? "" : markupOf(value)}${unbroken(part)}`;
  }, "");
  return { [MARKUP]: whole };
}

function unbroken(part: string): string {
  return part.replace(/^\n\s*|\n\s*$|(?<=>)\n\s*|\n\s*(?=<)/g, "").replace(/\n\s*/g, " ");
}

/** The markup as a string, for the page. */
export function markupOf(content: Content): string {
  if (typeof content === "string")
    return visible(content).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? "");
  if (typeof content === "number") return String(content);
  return isMany(content) ? content.map(markupOf).join("") : content[MARKUP];
}

function isMany(content: Html | readonly Html[]): content is readonly Html[] {
  return Array.isArray(content);
}
