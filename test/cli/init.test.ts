/** What `batchframe init` writes works as it stands, and nothing is written over. */

import { existsSync, readFileSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { parse } from "yaml";
import { readCommandLine } from "../../src/cli/program.ts";
import { projectFolder } from "../docs/project.ts";
import { spawned, type Ended } from "../setup/spawned.ts";
import { cli, folder } from "./support.ts";

const ODD = 'id,"what | they said"\n1,I love it. Wonderful and reliable.\n2,Terrible and broken.\n';

interface Notebook {
  readonly nbformat: number;
  readonly nbformat_minor: number;
  readonly metadata: { readonly kernelspec: { readonly name: string } };
  readonly cells: readonly {
    readonly id: string;
    readonly cell_type: string;
    readonly source: readonly string[];
  }[];
}

async function run(cwd: string, script: string): Promise<Ended> {
  return await spawned(process.execPath, ["--no-warnings", script], { cwd, env: process.env })
    .ended;
}

function notebookIn(cwd: string): Notebook {
  return JSON.parse(readFileSync(join(cwd, "enrich.ipynb"), "utf8")) as Notebook;
}

/** The notebook's code as one script that shows its last value, its packages those that are installed. */
function scriptOf({ cells }: Notebook): string {
  const code = cells
    .filter(({ cell_type: type }) => type === "code")
    .map(({ source }) => source.join(""))
    .join("\n;\n");
  return code
    .replaceAll('"npm:', '"')
    .replace(/^bars\(.*$/m, 'console.log(await $&[Symbol.for("Jupyter.display")]());');
}

it("writes a script and rows that run", { timeout: 120_000 }, async () => {
  const cwd = projectFolder();
  const ended = await cli(cwd, ["init"]);
  expect(ended).toMatchObject({ code: 0, stdout: "" });
  expect(ended.stderr).toContain("Wrote enrich.mts and reviews.csv.");
  expect(ended.stderr).toContain("  node enrich.mts");
  const ran = await run(cwd, "enrich.mts");
  expect(ran.stderr).toBe("");
  expect(ran.stdout).toBe("4 of 4 rows labelled in reviews.enriched.csv\n");
  const labelled = readFileSync(join(cwd, "reviews.enriched.csv"), "utf8");
  expect(labelled).toMatch(/^1,.*,positive,ok,/m);
  expect(labelled).toMatch(/^2,.*,negative,ok,/m);
  // What npm init makes of a project.
  writeFileSync(join(cwd, "package.json"), '{ "type": "commonjs" }');
  expect(await run(cwd, "enrich.mts")).toMatchObject({ code: 0, stdout: ran.stdout });
});

it("takes a file of the reader's, and the column with the longest texts", async () => {
  const cwd = projectFolder();
  writeFileSync(join(cwd, "said.csv"), ODD);
  const ended = await cli(cwd, ["init", "ts", "said.csv"]);
  expect(ended.stderr).toContain('the column "what | they said"');
  expect(existsSync(join(cwd, "reviews.csv"))).toBe(false);
  expect(await run(cwd, "enrich.mts")).toMatchObject({
    code: 0,
    stdout: "2 of 2 rows labelled in said.enriched.csv\n",
  });
});

it("writes a notebook that is one, and whose cells run", { timeout: 120_000 }, async () => {
  const cwd = projectFolder();
  const { code } = await cli(cwd, ["init", "notebook"]);
  expect(code).toBe(0);
  const notebook = notebookIn(cwd);
  expect(notebook).toMatchObject({
    nbformat: 4,
    nbformat_minor: 5,
    metadata: { kernelspec: { name: "deno" } },
  });
  expect(new Set(notebook.cells.map(({ id }) => id)).size).toBe(notebook.cells.length);
  writeFileSync(join(cwd, "cells.ts"), scriptOf(notebook));
  const ran = await run(cwd, "cells.ts");
  expect(ran.stderr).toBe("");
  expect(ran.stdout).toContain("<svg");
});

it("writes a job for CI whose command works here", { timeout: 120_000 }, async () => {
  const cwd = folder({ "said.csv": ODD });
  const { code, stderr } = await cli(cwd, ["init", "ci", "said.csv"]);
  expect(code).toBe(0);
  // The job asks about the rows, so they go with it.
  expect(stderr).toContain("  git add .github said.csv\n");
  const job = parse(readFileSync(join(cwd, ".github", "workflows", "enrich.yml"), "utf8")) as {
    readonly jobs: { readonly enrich: { readonly steps: readonly Step[] } };
  };
  const { steps } = job.jobs.enrich;
  const line = steps.find(({ run: text }) => text !== undefined)?.run ?? "";
  const words = [...line.matchAll(/'([^']*)'|(\S+)/g)].map(
    ([, quoted, bare = ""]) => quoted ?? bare,
  );
  expect(words.slice(0, 2)).toEqual(["npx", "--yes"]);
  expect(words[2]).toMatch(/^batchframe@\d/);
  expect(readCommandLine(words.slice(3))).toMatchObject({ kind: "command" });
  expect(await cli(cwd, words.slice(3))).toMatchObject({ code: 0 });
  const kept = steps.find(({ uses }) => uses?.startsWith("actions/upload-artifact@"))?.with.path;
  expect(readFileSync(join(cwd, kept ?? ""), "utf8")).toContain(",positive,ok,");
});

interface Step {
  readonly run?: string;
  readonly uses?: string;
  readonly with: { readonly path: string };
}

it.each([
  ["the script", "enrich.mts"],
  ["the rows", "reviews.csv"],
])("writes nothing where %s would be written over", async (_, name) => {
  const cwd = folder({ [name]: "mine" });
  const ended = await cli(cwd, ["init", "ts", "--json"]);
  expect(ended.code).toBe(2);
  expect(JSON.parse(ended.stdout)).toMatchObject({ error: { code: "init_exists" } });
  expect(ended.stderr).toContain(name);
  expect(readdirSync(cwd)).toEqual([name]);
  expect(readFileSync(join(cwd, name), "utf8")).toBe("mine");
});

it("says what can be begun with", async () => {
  const cwd = folder({ "said.csv": ODD });
  const ended = await cli(cwd, ["init", "said.csv"]);
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain("ts, notebook, ci");
  expect(ended.stderr).toContain("batchframe init ts said.csv");
  expect(readdirSync(cwd)).toEqual(["said.csv"]);
});
