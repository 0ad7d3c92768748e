import { cpSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";
import { folder } from "./support.ts";

describe("the command in a broken installation", () => {
  it("says what cannot be loaded, and how to mend it", async () => {
    const root = folder({ "package.json": '{"type": "module", "version": "0.0.0"}' });
    // The sources alone, without any package they need.
    cpSync(fileURLToPath(new URL("../../src", import.meta.url)), join(root, "src"), {
      recursive: true,
    });
    const ended = await spawned(process.execPath, [join(root, "src", "cli", "main.ts"), "ls"])
      .ended;
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    expect(ended.stderr).toMatch(/^error: batchframe cannot be loaded: .+\n {2}Install it again/);
    expect(ended.stderr).not.toContain("    at ");
  });
});
