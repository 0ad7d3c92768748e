import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawned, type Ended } from "./setup/spawned.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const script = join(root, "scripts", "notebooks.ts");
const names = readdirSync(join(root, "notebooks")).filter((name) => name.endsWith(".ipynb"));

interface Cell {
  readonly cell_type: string;
  readonly source: readonly string[];
  readonly outputs?: readonly { readonly data?: Readonly<Record<string, readonly string[]>> }[];
}

const cellsOf = (text: string): readonly Cell[] =>
  (JSON.parse(text) as { readonly cells: readonly Cell[] }).cells;

// CI installs what is needed; elsewhere these say what to install instead of failing.
const jupyter = spawnSync("/usr/bin/python3", ["-c", "import nbclient, nbformat"]);
const canExecute = jupyter.status === 0 || process.env["CI"] === "true";
if (!canExecute)
  process.stderr.write("Notebooks are not executed: apt-get install python3-nbclient\n");

async function execute(...args: readonly string[]): Promise<Ended> {
  return await spawned(process.execPath, [script, ...args], { cwd: root }).ended;
}

/** A notebook of one cell, in a folder of its own. */
function notebookOf(source: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "notebook-")), "mine.ipynb");
  const cell = { cell_type: "code", id: "a", metadata: {}, execution_count: null, outputs: [] };
  const kernelspec = { display_name: "Deno", language: "typescript", name: "deno" };
  const cells = [{ ...cell, source: [source] }];
  writeFileSync(
    path,
    JSON.stringify({ cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 }),
  );
  return path;
}

describe.skipIf(!canExecute)("the notebooks", () => {
  it("show, when they are executed anew, what is committed", { timeout: 400_000 }, async () => {
    const { code, stdout, stderr } = await execute();
    expect(stdout).toBe(names.map((name) => `${name}: ok\n`).join(""));
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(names.length).toBeGreaterThanOrEqual(4);
  });

  it.each([
    ["fails", "throw new Error('broken on purpose')", /cell 1 failed[^]*broken on purpose/],
    ["shows nothing", "const quiet = 1;", /cell 1 shows nothing\./],
    ["shows something else than before", "'now'", /shows something else than before in cell 1\./],
    ["shows where it was executed", "Deno.cwd()", /shows a path of this machine\./],
  ])("fail where a cell %s", { timeout: 120_000 }, async (_what, source, told) => {
    const { code, stdout } = await execute(notebookOf(source));
    expect(stdout).toMatch(told);
    expect(code).toBe(1);
  });
});

describe.each(names)("%s as it is committed", (name) => {
  const text = readFileSync(join(root, "notebooks", name), "utf8");

  it("shows something in every cell, as plain text too, and nothing VS Code cannot show", () => {
    const code = cellsOf(text).filter(({ cell_type }) => cell_type === "code");
    expect(code.length).toBeGreaterThan(3);
    for (const { outputs } of code) {
      expect(outputs?.length).toBeGreaterThan(0);
      for (const { data } of outputs ?? [])
        if (data !== undefined) expect(Object.keys(data)).toContain("text/plain");
    }
    expect(text).not.toContain("application/vnd.");
  });

  it("holds no script, no address but of Deno's manual, and neither key nor time of execution", () => {
    expect(text).not.toMatch(/<script|iopub|sk-[A-Za-z0-9]/);
    const addresses = text.match(/https?:\/\/[^\s")\\]+/g) ?? [];
    expect(addresses.filter((address) => !address.startsWith("https://docs.deno.com/"))).toEqual(
      [],
    );
  });

  it("imports what a reader would write", () => {
    const imports = [...text.matchAll(/from \\"([^"\\]+)\\"/g)].map(([, specifier]) => specifier);
    const ours = /^(npm:batchframe(\/(notebook|emulator))?|npm:nodejs-polars@[\d.]+|node:\w+)$/;
    expect(imports.length).toBeGreaterThan(1);
    expect(imports.filter((specifier) => !ours.test(specifier ?? ""))).toEqual([]);
  });
});
