import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, it } from "vitest";
import { pretendingNode, spawned } from "../setup/spawned.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "batchframe bin "));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The command in a tree which holds, besides, only the given files. */
function tree(files: Readonly<Record<string, string>>): string {
  const root = mkdtempSync(join(folder, "tree "));
  for (const name of ["package.json", "bin/batchframe.js"]) {
    cpSync(join(repository, name), join(root, name));
  }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return join(root, "bin", "batchframe.js");
}

const sources = {
  "src/cli/main.ts": 'const from: string = "src"; console.log(from, process.argv[2]);',
};
const built = { "dist/cli/main.js": 'console.log("dist", process.argv[2]);' };

describe("the batchframe command", () => {
  it("runs what was built where there are no sources, as in the package", async () => {
    const { stdout, code } = await spawned(process.execPath, [tree(built), "plan"]).ended;
    expect(stdout).toBe("dist plan\n");
    expect(code).toBe(0);
  });

  it("runs the sources of a clone, whatever was built there before", async () => {
    const command = tree({ ...sources, ...built });
    expect((await spawned(process.execPath, [command, "plan"]).ended).stdout).toBe("src plan\n");
  });

  it("tells its version without loading anything", async () => {
    const { version } = JSON.parse(readFileSync(join(repository, "package.json"), "utf8")) as {
      readonly version: string;
    };
    const { stdout, stderr, code } = await spawned(process.execPath, [tree({}), "--version"]).ended;
    expect([stdout, stderr, code]).toEqual([`${version}\n`, "", 0]);
  });

  it.each(["12.22.9", "20.20.2", "22.17.1"])(
    "under Node %s names the way out and exits with 2",
    async (version) => {
      const args = ["run", "my file.csv", "--template={{it's}}"];
      const env = pretendingNode(version, process.env);
      const { code, stdout, stderr } = await spawned(process.execPath, [tree(sources), ...args], {
        env,
      }).ended;
      expect(stderr).toBe(
        `batchframe needs Node 22.18 or newer; this is v${version}. With npm alone: ` +
          `npx -y -p node@24 -p batchframe batchframe run 'my file.csv' '--template={{it'\\''s}}'\n`,
      );
      expect(stdout).toBe("");
      expect(code).toBe(2);
    },
  );
});
