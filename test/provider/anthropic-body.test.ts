import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "../property.ts";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createBody, ENVELOPE_BYTES } from "../../src/provider/anthropic-body.ts";

describe("createBody", () => {
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "body-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true, force: true });
  });

  async function bodyOf(rows: readonly unknown[]): Promise<Buffer> {
    const path = join(folder, "requests.jsonl");
    const text = rows.map((row) => `${JSON.stringify(row)}\n`).join("");
    await writeFile(path, text);
    const bytes = Buffer.byteLength(text);
    const file = { name: "requests.jsonl", path, bytes, requestCount: rows.length };
    const body = Buffer.concat(await Array.fromAsync(createBody(file)));
    expect(body.byteLength).toBe(bytes + ENVELOPE_BYTES);
    return body;
  }

  it("is the rows as a list, whatever they hold, and as long as foretold", async () => {
    const row = fc.record({ custom_id: fc.string(), params: fc.jsonValue() });
    await fc.assert(
      fc.asyncProperty(fc.array(row, { minLength: 1, maxLength: 20 }), async (rows) => {
        const expected: unknown = JSON.parse(JSON.stringify({ requests: rows }));
        expect(JSON.parse((await bodyOf(rows)).toString())).toEqual(expected);
      }),
      { numRuns: 100 },
    );
  });

  it("keeps line ends, separators and brackets inside the texts, over many pieces", async () => {
    const rows = Array.from({ length: 300 }, (_, index) => ({
      custom_id: `a-${String(index)}`,
      params: { text: `one\ntwo\r\nthree\u2028],[{"${"x".repeat(1000)}` },
    }));
    expect(JSON.parse((await bodyOf(rows)).toString())).toEqual({ requests: rows });
  });
});
