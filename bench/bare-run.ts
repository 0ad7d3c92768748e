/** The least that a whole run can be in Node: no plan, nothing kept, nothing checked, every row in memory. */

import { createReadStream } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import { openaiBatch } from "./emulator-clients.ts";

// Requests in one batch of OpenAI's.
const MOST = 50_000;

/** Adds a column to `rows.csv` of the folder, through batches of the service at `baseUrl`. */
export async function bareRun(folder: string, baseUrl: string): Promise<void> {
  const text = await readFile(join(folder, "rows.csv"), "utf8");
  const rows = parse(text, { columns: true }) as unknown as readonly Row[];
  const answers: string[] = [];
  for (let first = 0; first < rows.length; first += MOST) {
    const lines = rows.slice(first, first + MOST).map((row, at) => lineOf(row, first + at));
    const path = join(folder, `bare-${String(first)}.jsonl`);
    await writeFile(path, lines.join("\n"));
    const got = join(folder, `bare-${String(first)}-replies.jsonl`);
    const { body } = await openaiBatch(baseUrl, path, "/v1/chat/completions");
    if (body === null) throw new Error("no answers");
    await writeFile(got, body);
    for await (const line of createInterface({ input: createReadStream(got) })) {
      const reply = JSON.parse(line) as Reply;
      answers[Number(reply.custom_id)] = reply.response.body.choices[0].message.content;
    }
  }
  const out = rows.map((row, at) => ({ ...row, answer: answers[at] }));
  await writeFile(join(folder, "bare.csv"), stringify(out, { header: true }));
}

interface Row {
  readonly review: string;
}

interface Reply {
  readonly custom_id: string;
  readonly response: {
    readonly body: {
      readonly choices: readonly [{ readonly message: { readonly content: string } }];
    };
  };
}

function lineOf({ review }: Row, row: number): string {
  const content = `Is this review praise, blame or neither?\n\n${review}`;
  return JSON.stringify({
    custom_id: String(row),
    method: "POST",
    url: "/v1/chat/completions",
    body: { model: "gpt-4o-mini", messages: [{ role: "user", content }] },
  });
}
