/** Outputs of every kind of run go on where a killed process left them: the same file, the same bytes, the same receipt. */

import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { startEmulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { spawned, type Ended } from "../setup/spawned.ts";
import type { OutputJob, OutputKind } from "./output-run.ts";

const CHILD = fileURLToPath(new URL("output-run.ts", import.meta.url));
const ROWS = 2600;
const numberOf = (text: string): number => Number(/number (\d+)/.exec(text)?.[1]);

/** The small model refuses every ninth text, and is not always sure; a filter is told true or false. */
const answer: NonNullable<EmulatorOptions["answer"]> = ({ body }) => {
  const { model, messages } = body as unknown as { model: string; messages: { content: string }[] };
  const said = messages.map(({ content }) => content).join("\n");
  const number = numberOf(said);
  const label = number % 2 === 0 ? "even" : "odd";
  if (said.includes("Why?")) return { content: `Because ${String(number)} is ${label}.` };
  if (said.includes("Decide whether"))
    return { content: JSON.stringify({ value: label === "odd" }) };
  if (model !== "gpt-large" && number % 9 === 0) return { content: null, refusal: "I cannot." };
  if (JSON.stringify(body).includes('"labels"'))
    return { content: JSON.stringify({ labels: [label] }) };
  return { content: JSON.stringify({ label, confidence: number % 5 === 0 ? 20 : 95 }) };
};

const made: string[] = [];
afterAll(async () => {
  for (const folder of made) await rm(folder, { recursive: true, force: true });
});

async function started(job: OutputJob): Promise<Ended> {
  const env = { ...process.env, OUTPUT_JOB: JSON.stringify(job) };
  return await spawned(process.execPath, [CHILD], { env }).ended;
}

/** What no kill may change. */
const counted = (receipt: Receipt): object => {
  const { rows, failedBy, skippedBy, labels, usage, kept, passes, steps } = receipt;
  const each = Object.values(steps ?? {}).map((one) => [one.rows, one.failedBy, one.labels]);
  return { rows, failedBy, skippedBy, labels, usage, kept, passes, each };
};

/** The mark to be killed after: text that is written anew is marked after 1,000 rows, text passed on far more often. */
const KINDS: readonly (readonly [kind: OutputKind, ending: string, mark: number])[] = [
  ["steps", ".csv", 6],
  ["votes", ".jsonl", 2],
  ["fallback", ".csv", 6],
  ["cascade", ".csv", 6],
  ["pieces", ".csv", 6],
  ["filter", ".csv", 6],
  ["in place", ".csv", 6],
  ["kept in place", ".csv", 6],
];

it.each(KINDS)("%s to %s", { timeout: 120_000 }, async (kind, ending, mark) => {
  const folder = await mkdtemp(join(tmpdir(), "outputs-"));
  made.push(folder);
  const emulator = await startEmulator({ seed: 3, answer });
  try {
    const rows = Array.from(
      { length: ROWS },
      (_, row) => `${String(row)},"number ${String(row)} ${"and more ".repeat(40)}"`,
    );
    // Some rows have an answer already, which only one kind asks about.
    const oldAt = (row: number): string => (row % 3 === 0 ? ',"by hand"' : ",");
    const lines = rows.map((cells, row) => cells + (kind === "kept in place" ? oldAt(row) : ""));
    const header = kind === "kept in place" ? "id,text,side" : "id,text";
    const input = join(folder, "in.csv");
    await writeFile(input, `${header}\n${lines.join("\n")}\n`);
    const again = join(folder, "again.csv");
    await copyFile(input, again);
    const isInPlace = kind.endsWith("in place");
    const jobOf = (name: string, from: string): OutputJob => ({
      ...{ kind, input: from, runDir: join(folder, `${name}-runs`), baseUrl: emulator.url },
      ...{ output: isInPlace ? from : join(folder, `${name}${ending}`), killAtMark: 0 },
    });
    const whole = jobOf("whole", again);
    const undisturbed = await started(whole);
    expect(undisturbed.stderr).toBe("");
    const job = jobOf("killed", input);
    const struck = await started({ ...job, killAtMark: mark });
    expect([struck.signal, struck.stderr]).toEqual(["SIGKILL", ""]);
    const [left = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
    const { ino, size } = await stat(join(folder, left));
    expect(size).toBeGreaterThan(100_000);
    const ended = await started(job);
    expect(ended.stderr).toBe("");
    // What had been written is a part of the output, not a copy of it.
    expect((await stat(job.output)).ino).toBe(ino);
    expect((await readFile(job.output)).equals(await readFile(whole.output))).toBe(true);
    expect(counted(JSON.parse(ended.stdout) as Receipt)).toEqual(
      counted(JSON.parse(undisturbed.stdout) as Receipt),
    );
    expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
  } finally {
    await emulator.close();
  }
});
