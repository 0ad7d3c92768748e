/** What the README shows is run: its commands by the program, its script against an emulator. */

import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { readCommandLine } from "../../src/cli/program.ts";
import { blocksOf } from "./blocks.ts";
import { exampleEnvironment, execute, projectFolder, root } from "./project.ts";

const blocks = blocksOf(readFileSync(join(root, "README.md"), "utf8"));

/** Commands with these words need a database, storage or no end, and are read only. */
const READ_ONLY = /^(emulate|worker|migrate|run .*--state)\b/;

/** The command lines of the shell blocks, without their comments, lines that are continued being one. */
const lines = blocks
  .filter(({ language }) => language === "sh")
  .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, "").split("\n"))
  .map((line) => line.replace(/\s+#.*$/, "").trim())
  .filter((line) => line !== "");

let emulator: Emulator;
let env: NodeJS.ProcessEnv;

beforeAll(async () => {
  emulator = await startEmulator({ seed: 5 });
  env = exampleEnvironment(emulator);
});
afterAll(async () => {
  await emulator.close();
});

/** The pages of documentation. */
function pages(): readonly string[] {
  const names = readdirSync(join(root, "docs")).filter((name) => name.endsWith(".md"));
  return names.map((name) => `docs/${name}`);
}

/** A project with the files that the README speaks of. */
function readersFolder(): string {
  const folder = projectFolder();
  writeFileSync(join(folder, "reviews.csv"), "id,review\n1,I love it.\n2,It broke.\n");
  writeFileSync(join(folder, "tickets.csv"), "id,body\n1,Where is my refund?\n");
  writeFileSync(join(folder, "labels.csv"), "label,description\nbilling,money\nother,the rest\n");
  // What the demo has left behind by then.
  const judged = "feedback,gold,sentiment\nGood,positive,positive\nBad,negative,positive\n";
  writeFileSync(join(folder, "feedback.enriched.csv"), judged);
  cpSync(join(root, "sample-data"), join(folder, "sample-data"), { recursive: true });
  return folder;
}

describe("README.md", () => {
  it("holds TypeScript and shell only, and some of both", () => {
    expect(new Set(blocks.map(({ language }) => language))).toEqual(new Set(["ts", "sh"]));
  });

  it("names tests that exist, for every guarantee one at least", () => {
    const page = readFileSync(join(root, "README.md"), "utf8");
    const [, guarantees = ""] = page.split("| promise");
    const rows = (guarantees.split("\n\n")[0] ?? "").split("\n").slice(2);
    expect(rows.length).toBeGreaterThan(5);
    for (const row of rows) {
      const named = [...row.matchAll(/`((?:test|src)\/[\w./-]*)`/g)].map(([, path = ""]) => path);
      const isSame = row.includes("the same, by");
      expect(named.length > 0 || isSame, row).toBe(true);
      for (const path of named) {
        expect(existsSync(join(root, path)), path).toBe(true);
        if (path.endsWith("/")) expect(readdirSync(join(root, path)), path).not.toEqual([]);
      }
    }
  });

  it("links to files that exist", () => {
    for (const file of ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", ...pages()]) {
      const text = readFileSync(join(root, file), "utf8");
      const links = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)(?:#[^)]*)?\)/g)];
      for (const [, link = ""] of links)
        expect(existsSync(join(root, dirname(file), link)), `${file}: ${link}`).toBe(true);
    }
  });

  it("names scripts of package.json after npm", () => {
    const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
      readonly scripts: Readonly<Record<string, string>>;
    };
    const named = lines.flatMap((line) => /^npm (?:run )?(\S+)$/.exec(line)?.[1] ?? []);
    expect(named).not.toEqual([]);
    expect(Object.keys(scripts)).toEqual(expect.arrayContaining(named));
  });

  it("has no line that is neither npm's nor the program's", () => {
    expect(lines.filter((line) => !/^(npm|batchframe) /.test(line))).toEqual([]);
  });

  it("shows commands that do what they say", { timeout: 300_000 }, async () => {
    const folder = readersFolder();
    const commands = lines.filter((line) => line.startsWith("batchframe "));
    expect(commands.length).toBeGreaterThan(1);
    for (const [at, line] of commands.entries()) {
      const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].slice(1);
      const given = words.map(([, one, two, bare]) => one ?? two ?? bare ?? "");
      expect(readCommandLine(given), line).toMatchObject({ kind: "command" });
      if (READ_ONLY.test(given.join(" "))) continue;
      // A plan is agreed to beforehand, since nobody can be asked here.
      const isAsking = /^batchframe (run|classify)\b/.test(line);
      const block = {
        part: "",
        heading: "",
        language: "sh",
        code: isAsking ? `${line} --yes` : line,
      };
      const ended = await execute(block, { folder, name: String(at), env });
      expect(ended, `${line}\n${ended.stderr}`).toMatchObject({ code: 0 });
    }
    expect(readFileSync(join(folder, "reviews.labelled.csv"), "utf8")).toMatch(
      /^1,I love it\.,(positive|negative|neutral),ok,/m,
    );
  });

  it("shows TypeScript that runs", { timeout: 120_000 }, async () => {
    const folder = readersFolder();
    const scripts = blocks.filter(({ language }) => language === "ts");
    expect(scripts).not.toEqual([]);
    for (const [at, block] of scripts.entries()) {
      const ended = await execute(block, { folder, name: `readme-${String(at)}`, env });
      expect(ended, ended.stderr).toMatchObject({ code: 0, stderr: "" });
    }
  });
});
