import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawned } from "./setup/spawned.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("the API reference", () => {
  it("is made of the doc comments without a warning", { timeout: 300_000 }, async () => {
    const typedoc = join(root, "node_modules", "typedoc", "bin", "typedoc");
    const args = [typedoc, "--emit", "none"];
    const { code, stdout, stderr } = await spawned(process.execPath, args, { cwd: root }).ended;
    expect(`${stdout}${stderr}`).not.toMatch(/warning|error/i);
    expect(code).toBe(0);
  });
});
