import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawned } from "./setup/spawned.ts";

const root = fileURLToPath(new URL("..", import.meta.url));

describe("the package as it is published", () => {
  it(
    "works under Node 22 and 24 and Deno, compiles, and is refused in one line by an old Node",
    { timeout: 900_000 },
    async () => {
      const script = join(root, "scripts", "packed.ts");
      const { code, stdout } = await spawned(process.execPath, [script], { cwd: root }).ended;
      expect(stdout.split("\n")).toEqual([
        "packed: publint and attw found nothing",
        "Node 22: installed, imported, its command run",
        "Node 24: installed, imported, its command run",
        "TypeScript: compiled with nodenext and with bundler",
        "Deno: imported",
        "Node 18: told in one line what is needed",
        expect.stringMatching(/^An installation takes \d+ MB/),
        "",
      ]);
      expect(code).toBe(0);
    },
  );
});
