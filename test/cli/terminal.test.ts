/** What a terminal is shown: nothing of a cell or an answer acts on it, and lines are as wide as it is. */

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { inertJson } from "../../src/cli/cells.ts";
import { spawned } from "../setup/spawned.ts";
import { cli, emulated, folder, pointedAt } from "./support.ts";

const command = fileURLToPath(new URL("../../bin/batchframe.js", import.meta.url));

/** Colours, a window's title, the eight-bit form of both, and a turn of the direction of writing. */
const EVIL = "\u001b[31mred\u001b]0;title\u0007\u009b2J\u202eend";
const ACTED_ON = /[\u0007\u001b\u0080-\u009f\u202e]/;

let emulator: Emulator;
let cwd: string;

beforeAll(async () => {
  emulator = await emulated({ answer: table(() => EVIL) });
  cwd = folder({ "in.csv": `id,text\n1,"${EVIL}"\n` });
});
afterAll(async () => {
  await emulator.close();
});

/** Runs the command on a terminal of its own, as wide as asked, and gives all that the terminal was sent. */
async function onTerminal(words: readonly string[], columns: number): Promise<string> {
  const quoted = words.map((word) => `'${word}'`).join(" ");
  const line = `stty cols ${String(columns)}; exec '${process.execPath}' '${command}' ${quoted}`;
  const env = { ...process.env, ...pointedAt(emulator), NO_COLOR: "1", TERM: "dumb" };
  const { stdout } = await spawned("script", ["-qec", line, "/dev/null"], { cwd, env }).ended;
  return stdout.replaceAll("\r\n", "\n");
}

const RUN = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "--yes"];

describe("a terminal", () => {
  const COMMANDS: readonly (readonly string[])[] = [
    [...RUN, "--poll", "20ms", "--name", "r", "-o", "out.csv"],
    [...RUN, "--print-prompt", "1"],
    [...RUN, "--dry-run"],
    ["preview", ...RUN.slice(1), "--refresh"],
    ["show", "r", "--row", "1"],
    ["show", "r", "--row", "1", "--json"],
    ["failures", "r"],
    ["eval", "out.csv", "--pred", "enriched", "--gold", "text"],
    ["diff", "out.csv", "in.csv", "-c", "text"],
    ["status", "r"],
    ["show", EVIL],
  ];

  it.each(COMMANDS)("is sent nothing that acts on it: %s %s %s", async (...words) => {
    const shown = await onTerminal(words, 80);
    expect(shown).not.toBe("");
    expect(shown).not.toMatch(ACTED_ON);
  });

  it("is told the same as a file, with what acts on it made visible", async () => {
    expect(await onTerminal([...RUN, "--print-prompt", "1"], 80)).toContain("\\x1b[31mred\\x1b]0;");
    const piped = await cli(cwd, [...RUN, "--print-prompt", "1"], pointedAt(emulator));
    expect(piped.stdout).toContain(EVIL);
    expect(readFileSync(join(cwd, "out.csv"), "utf8").split(EVIL)).toHaveLength(3);
  });

  it.each([0, 80, 120])("of %i columns gets lines that fit", async (columns) => {
    const lines = (await onTerminal(["status", "none"], columns)).trimEnd().split("\n");
    expect(lines[0]).toBe('error: There is no run "none" in .batchframe.');
    const table = (await onTerminal(["ls"], columns)).trimEnd().split("\n");
    expect(Math.max(...table.map(({ length }) => length))).toBeLessThanOrEqual(columns || 80);
  });
});

describe("inertJson", () => {
  it("means the same, and holds nothing that a terminal acts on", () => {
    const text = inertJson(JSON.stringify({ [EVIL]: EVIL }));
    expect(text).not.toMatch(ACTED_ON);
    expect(JSON.parse(text)).toEqual({ [EVIL]: EVIL });
  });
});
