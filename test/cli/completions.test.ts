/** Completions, sourced by the shells that are installed here; bash is on every machine that runs these tests. */

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";
import { cli, folder } from "./support.ts";

async function offered(words: readonly string[]): Promise<readonly string[]> {
  const cwd = folder({ "rows.csv": "a\n1\n" });
  for (const run of ["rows-label-1", "rows-mood-2"])
    mkdirSync(join(cwd, ".batchframe", run), { recursive: true });
  writeFileSync(join(cwd, ".batchframe", "cache.sqlite"), "");
  const { stdout, code } = await cli(cwd, ["completions", "bash"]);
  expect(code).toBe(0);
  writeFileSync(join(cwd, "completions"), stdout);
  const script = `source ./completions
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _batchframe; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const words_ = ["-c", script, "batchframe", "batchframe", ...words];
  const ended = await spawned("bash", ["--norc", ...words_], { cwd }).ended;
  expect(ended).toMatchObject({ code: 0, stderr: "" });
  return ended.stdout.trimEnd().split("\n");
}

describe("bash offers", () => {
  it("commands, and those below a command", async () => {
    expect(await offered(["re"])).toEqual(["reparse", "resume", "retry", "review"]);
    expect(await offered(["batches", ""])).toEqual(
      expect.arrayContaining(["submit", "list", "wait", "results"]),
    );
  });

  it("a command's flags, a flag's choices, and files elsewhere", async () => {
    expect(await offered(["run", "in.csv", "--labels"])).toEqual(["--labels"]);
    expect(await offered(["batches", "list", "--li"])).toEqual(["--limit"]);
    expect(await offered(["run", "in.csv", "--on-null", ""])).toEqual(["skip", "empty", "fail"]);
    expect(await offered(["run", "ro"])).toEqual(["rows.csv"]);
  });

  it("the runs there are, the shells, and what there is to begin with", async () => {
    expect(await offered(["status", ""])).toEqual(["latest", "rows-label-1", "rows-mood-2"]);
    expect(await offered(["rm", "rows-m"])).toEqual(["rows-mood-2"]);
    expect(await offered(["status", "--js"])).toEqual(["--json"]);
    expect(await offered(["completions", ""])).toEqual(["bash", "zsh", "fish", "pwsh"]);
    expect(await offered(["init", ""])).toEqual(["ts", "notebook", "ci"]);
  });
});

describe("completions", () => {
  it.each([
    [
      "zsh",
      "autoload -Uz compinit; compinit -u -D; source ./c; print -r -- $_comps[batchframe]",
      "_batchframe",
    ],
    ["fish", "source ./c; complete -C 'batchframe run --formula-s'", "--formula-safe"],
    ["fish", "source ./c; complete -C 'batchframe cac'", "cache\tthe answers bought so far"],
    ["fish", "source ./c; complete -C 'batchframe run --lane '", "realtime"],
    [
      "fish",
      "mkdir -p .batchframe/mine-1; source ./c; complete -C 'batchframe status mi'",
      "mine-1",
    ],
    ["fish", "source ./c; complete -C 'batchframe init no'", "notebook"],
    [
      "pwsh",
      "Get-Content -Raw ./c | Invoke-Expression; (TabExpansion2 'batchframe init no' 18).CompletionMatches.CompletionText",
      "notebook",
    ],
  ])("are taken by %s where it is installed", async (shell, script, told) => {
    const cwd = folder();
    const { stdout, code } = await cli(cwd, ["completions", shell]);
    expect(code).toBe(0);
    expect(stdout).toContain("formula-safe");
    writeFileSync(join(cwd, "c"), stdout);
    const places = (process.env["PATH"] ?? "").split(":");
    if (!places.some((place) => existsSync(join(place, shell)))) return;
    const ended = await spawned(shell, ["-c", script], { cwd }).ended;
    expect(ended.code, ended.stderr).toBe(0);
    expect(ended.stdout).toContain(told);
  });

  it("for PowerShell close every text, list, table and block, and hold every command and flag", async () => {
    const { stdout } = await cli(folder(), ["completions", "pwsh"]);
    // Any of these opens or ends a text there; what is left of pairs would swallow the rest of the script.
    const outside = stdout.replaceAll(
      /'(?:[^'\u2018-\u201b]|''|([\u2018-\u201b])\1)*'|"[^"]*"|^#.*$/gm,
      "",
    );
    expect(outside).not.toMatch(/['"\u2018-\u201b]/);
    for (const [open = "", close = ""] of ["()", "{}", "[]"])
      expect(outside.split(open).length, open).toBe(outside.split(close).length);
    expect(stdout).toContain(
      "Register-ArgumentCompleter -Native -CommandName batchframe -ScriptBlock {",
    );
    expect(stdout).toMatch(/^ {4}'batches' = @\('submit\|.*'list\|/m);
    expect(stdout).toMatch(/^ {4}'batches list' = @\(.*'--limit\|/m);
    expect(stdout).toMatch(/^ {4}'--on-null' = @\('skip', 'empty', 'fail'\)$/m);
    expect(stdout).toMatch(/^ {2}\$ofRuns = @\('status'/m);
  });

  it("of another shell are refused", async () => {
    const ended = await cli(folder(), ["completions", "tcsh"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("bash, zsh, fish, pwsh");
  });
});
