/** docs/cli.md says what the program does, and every command has an example. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { format, resolveConfig } from "prettier";
import { describe, expect, it } from "vitest";
import { cliPage } from "../../scripts/cli-page.ts";
import { describedProgram } from "../../src/cli/program.ts";
import { readCommandLine } from "../../src/cli/program.ts";
import { root } from "./project.ts";

describe("docs/cli.md", () => {
  it("is what scripts/cli-page.ts writes", async () => {
    const path = join(root, "docs", "cli.md");
    const page = readFileSync(path, "utf8");
    const settings = await resolveConfig(path);
    const written = await format(cliPage(page), { ...settings, parser: "markdown" });
    expect(page).toBe(written);
  });
});

describe("every command", () => {
  const commands = describedProgram();

  it.each(commands)("$words has an example that the program understands", ({ words, example }) => {
    expect(example).not.toBeNull();
    expect(`${example ?? ""} `).toContain(words.split(" ").at(-1));
    // Words as a shell gives them; what they name need not be there.
    const given = [...(example ?? "").matchAll(/'([^']*)'|(\S+)/g)].map(
      ([, quoted, bare]) => quoted ?? bare ?? "",
    );
    expect(readCommandLine(given)).toMatchObject({ kind: "command" });
  });

  it("says of every flag what it is", () => {
    const silent = commands.flatMap(({ words, flags }) =>
      flags.filter(({ is }) => is === "").map(({ long }) => `${words} ${long}`),
    );
    expect(silent).toEqual([]);
  });
});
