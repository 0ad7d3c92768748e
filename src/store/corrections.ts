/** Answers that people gave in the place of a model's, kept for all runs of a directory. */

import { randomBytes } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { StoreError } from "../core/errors.ts";
import { canonicalJson, type Json } from "../core/hash.ts";
import { chunkFiles } from "./chunk-files.ts";

/** The right answers by request identity (hexadecimal): a text, a label, labels, or what a schema describes. */
export type Corrections = ReadonlyMap<string, Json>;

const NAME = /^corrections-.*\.jsonl$/;

/**
 * Every correction below a directory of runs, the latest of each request; none where there is no directory.
 *
 * @throws {StoreError} `store_damaged` for a file of them that cannot be read.
 */
export async function readCorrections(runDir: string): Promise<Corrections> {
  const names = (await readdir(runDir).catch(() => [])).filter((name) => NAME.test(name));
  const corrections = new Map<string, Json>();
  // Their names begin with when they were made.
  for (const name of names.toSorted()) {
    const path = join(runDir, name);
    try {
      for (const line of (await readFile(path, "utf8")).split("\n")) {
        if (line === "") continue;
        const { request, answer } = JSON.parse(line) as { request: string; answer: Json };
        corrections.set(request, answer);
      }
    } catch (cause) {
      throw new StoreError(
        "store_damaged",
        `${path} cannot be read, so it is not known which answers people have corrected. Nothing was sent.`,
        { hint: "Restore it from a copy; or delete it and import its corrections again.", cause },
      );
    }
  }
  return corrections;
}

/**
 * Adds corrections durably, in a file of their own that appears whole or not at all: two that are added at
 * once both stay.
 */
export async function addCorrections(runDir: string, corrections: Corrections): Promise<void> {
  const when = new Date().toISOString().replaceAll(/[:.]/g, "-");
  const name = `corrections-${when}-${randomBytes(3).toString("hex")}.jsonl`;
  const file = await chunkFiles(runDir).create(name);
  try {
    for (const [request, answer] of corrections)
      await file.write(`${canonicalJson({ request, answer })}\n`);
    await file.commit();
  } finally {
    await file.abort();
  }
}
