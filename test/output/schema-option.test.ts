import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { isStandardSchema } from "../../src/output/standard-schema.ts";
import { schemaOption, sourceOf } from "../../src/output/schema-option.ts";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "schemas-"));
});
afterEach(async () => {
  await rm(folder, { recursive: true, force: true });
});

async function file(name: string, content: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, content);
  return path;
}

const MODULE = `
export const ticket: { readonly "~standard": object } = { "~standard": { version: 1, vendor: "own",
  validate: (value: unknown) => ({ value }), jsonSchema: { input: () => ({ type: "string" }) } } };
export const labels = { labels: ["a", "b"] };
export const plain = { type: "object", properties: {} };
export const short = "a: int";
export const count = 3;
export default short;
`;

describe("schemaOption", () => {
  it("is a short form, a JSON Schema, or a file that holds one", async () => {
    expect(await schemaOption("a: int, b: x|y")).toBe("a: int, b: x|y");
    expect(await schemaOption(' {"type":"string"}')).toEqual({ jsonSchema: { type: "string" } });
    const path = await file("s.json", '{"type":"array"}');
    expect(await schemaOption(path)).toEqual({ jsonSchema: { type: "array" } });
    expect(await schemaOption(`@${path}`)).toEqual({ jsonSchema: { type: "array" } });
  });

  it("is an export of a module, whatever form it has", async () => {
    const path = await file("s.ts", MODULE);
    expect(await schemaOption(`${path}#labels`)).toEqual({ labels: ["a", "b"] });
    expect(await schemaOption(`${path}#plain`)).toEqual({
      jsonSchema: { type: "object", properties: {} },
    });
    expect(await schemaOption(`${path}#short`)).toBe("a: int");
    expect(await schemaOption(path)).toBe("a: int");
  });

  it("remembers where a library's schema came from, and only that", async () => {
    const path = await file("s.ts", MODULE);
    const option = await schemaOption(`${path}#ticket`);
    expect(isStandardSchema(option)).toBe(true);
    expect(sourceOf(option)).toBe(`${path}#ticket`);
    expect(sourceOf("a: int")).toBeNull();
    if (isStandardSchema(option)) expect(sourceOf({ "~standard": option["~standard"] })).toBeNull();
  });

  it.each<[string, string, string, string]>([
    ["no such export", "s.ts#nothing", MODULE, "schema_export_missing"],
    ["an export that is no schema", "s.ts#count", MODULE, "schema_export_missing"],
    ["a module that throws", "s.mjs", "throw new Error('no')", "schema_file_unreadable"],
    ["JSON that is none", "s.json", "{", "schema_invalid"],
  ])("refuses %s", async (_what, name, content, code) => {
    await file(name.split("#")[0] ?? "", content);
    await expect(schemaOption(join(folder, name))).rejects.toMatchObject({ code });
  });

  it("refuses files that are not there, and text that only looks like JSON", async () => {
    for (const name of ["none.json", "none.ts#a"])
      await expect(schemaOption(join(folder, name))).rejects.toMatchObject({
        code: "schema_file_unreadable",
      });
    await expect(schemaOption("{type: string}")).rejects.toMatchObject({ code: "schema_invalid" });
  });
});
