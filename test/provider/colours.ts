/** A file of numbered subjects, each with a colour of its own, asked of a provider from end to end. */

import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import type { Answerer } from "../../src/emulator/emulator.ts";
import { enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import type { OutputOption } from "../../src/output/form.ts";
import type { ModelRef } from "../../src/provider/models.ts";
import { newFolder } from "../frame/support.ts";

const LABELS = ["red", "green", "blue"] as const;

const labelOf = (subject: number): string => LABELS[(subject * 7) % LABELS.length] ?? "";

/** Tells the colour of the subject a request names, so that an answer under another row shows. */
export const colourAnswer: Answerer = ({ body }) => {
  const subject = Number(/subject (\d+)/.exec(JSON.stringify(body))?.[1]);
  return { content: JSON.stringify({ label: labelOf(subject) }) };
};

/** Asks for every subject's colour, expects each row to have its own, and gives the receipt. */
export async function askColours(
  model: ModelRef,
  { rows: count, ...options }: EnrichOptions<"colour", OutputOption> & { readonly rows: number },
): Promise<Receipt> {
  const folder = await newFolder();
  const [input, output] = [join(folder, "input.csv"), join(folder, "output.csv")];
  const rows = Array.from({ length: count }, (_row, at) => `${String(at)},subject ${String(at)}`);
  await writeFile(input, `id,text\n${rows.join("\n")}\n`);
  const receipt = await enrichFile({ input, output }, "Which colour? {{text}}", model, {
    output: { labels: LABELS },
    column: "colour",
    runDir: join(folder, "runs"),
    pollEveryMs: 5,
    ...options,
  });
  const lines = (await readFile(output, "utf8")).trimEnd().split("\n").slice(1);
  expect(lines).toEqual(rows.map((row, at) => `${row},${labelOf(at)},ok,`));
  expect(receipt.rows).toMatchObject({ ok: count, failed: 0 });
  return receipt;
}
