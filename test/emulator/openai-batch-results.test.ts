import { describe, expect, it } from "vitest";
import type { Faults } from "../../src/emulator/emulator.ts";
import { chatLines, run, stage } from "./drive.ts";

/** The bytes of the output file of two rows under these faults. */
async function output(faults: Faults): Promise<string> {
  const { client } = await stage({ faults });
  const batch = await run(client, chatLines(2));
  const content = await client.files.content(batch.output_file_id ?? "");
  return Buffer.from(await content.arrayBuffer()).toString("utf8");
}

describe("faults of result files", () => {
  it("leaves files alone by default", async () => {
    expect(await output({})).toMatch(/^\{[^\n]+\}\n\{[^\n]+\}\n$/);
  });

  it("begins with a byte order mark", async () => {
    expect(await output({ bom: 1 })).toMatch(/^\uFEFF\{[^\n]+\}\n\{[^\n]+\}\n$/);
  });

  it("ends lines in CR LF", async () => {
    expect(await output({ crlf: 1 })).toMatch(/^\{[^\n]+\}\r\n\{[^\n]+\}\r\n$/);
  });

  it("holds blank lines", async () => {
    expect(await output({ blankLines: 1 })).toMatch(/^\{[^\n]+\}\n\n\{[^\n]+\}\n\n$/);
  });
});
