/** identify: what a run is about, as one hash, so that the same command finds the same run again. */

import { canonicalJson, contentHash, rollingHash, type Json } from "../core/hash.ts";
import type { Frame } from "../frame/frame.ts";
import type { Rendering } from "./ports.ts";

/** What the identity of a run depends on. */
export interface Identified {
  readonly frame: Frame;
  readonly rendering: Rendering;
  /** The settings that decide what is asked and where. */
  readonly settings: Json;
  /** Whether the settings say everything about the prompts; false for a template written as a function. */
  readonly isTextTemplate: boolean;
  /** What the rows are known by, where that is known already; read from the frame when left out. */
  readonly content?: string;
}

const ROWS_PER_BLOCK = 1000;

/**
 * The identity of a run: 32 hexadecimal digits.
 *
 * A file under a text template is identified by its bytes. Rows in memory, and templates that are
 * functions, are identified by every prompt they give and every row they leave out, in row order, so that a
 * change inside the function is a different run.
 */
export async function identify(input: Identified): Promise<string> {
  const { isTextTemplate, frame } = input;
  const known = input.content ?? (isTextTemplate ? await frame.fingerprint() : null);
  const content = known ?? (await hashPrompts(input));
  return contentHash(canonicalJson({ settings: input.settings, content }));
}

async function hashPrompts({ frame, rendering }: Identified): Promise<string> {
  const hash = rollingHash();
  for await (const block of frame.blocks(rendering.columns, ROWS_PER_BLOCK)) {
    const promptOf = rendering.prompts(block);
    for (let row = 0; row < block.rowCount; row++) {
      const prompt = promptOf(row);
      const isAsked = prompt !== null && typeof prompt !== "string";
      // Which rows are left out may follow from columns that no prompt shows.
      const withheld = block.withheld?.(row) ?? null;
      hash.add(withheld ?? (isAsked ? JSON.stringify(prompt.messages) : ""));
    }
  }
  return hash.digest();
}
