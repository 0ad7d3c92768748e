/** Outputs of every kind of run go on where a killed process left them: the same file, the same bytes, the same receipt. */

import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, it } from "vitest";
import { answerFileName, replyFileName, requestFileName } from "../../src/core/chunk.ts";
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
  ["kept columns", ".jsonl", 2],
];

/** A run of some kind that was killed after a mark, and one of the same rows that was not. */
interface Struck {
  readonly job: OutputJob;
  readonly whole: OutputJob;
  readonly undisturbed: Receipt;
  /** Which file the half-written output is. */
  readonly ino: number;
  readonly folder: string;
}

/** Some rows have an answer already, which only some kinds ask about. */
function oldOf(kind: OutputKind): { names: string; cells(row: number): string } {
  const side = (row: number): string => (row % 3 === 0 ? ',"by hand"' : ",");
  if (kind === "kept in place") return { names: ",side", cells: side };
  if (!kind.startsWith("kept")) return { names: "", cells: () => "" };
  const why = (row: number): string => (row % 5 === 0 ? ',"known, long since"' : ",");
  return { names: ",side,why", cells: (row) => side(row) + why(row) };
}

async function struck(
  kind: OutputKind,
  { ending, mark, baseUrl }: { ending: string; mark: number; baseUrl: string },
): Promise<Struck> {
  const folder = await mkdtemp(join(tmpdir(), "outputs-"));
  made.push(folder);
  const old = oldOf(kind);
  const lines = Array.from(
    { length: ROWS },
    (_, row) =>
      `${String(row)},"number ${String(row)} ${"and more ".repeat(40)}"${old.cells(row)}\n`,
  );
  const input = join(folder, "in.csv");
  await writeFile(input, `id,text${old.names}\n${lines.join("")}`);
  const again = join(folder, "again.csv");
  await copyFile(input, again);
  const isInPlace = kind.endsWith("in place");
  const jobOf = (name: string, from: string): OutputJob => ({
    ...{ kind, input: from, runDir: join(folder, `${name}-runs`), baseUrl },
    ...{ output: isInPlace ? from : join(folder, `${name}${ending}`), killAtMark: 0 },
  });
  const whole = jobOf("whole", again);
  const undisturbed = await started(whole);
  expect(undisturbed.stderr).toBe("");
  const job = jobOf("killed", input);
  const ended = await started({ ...job, killAtMark: mark });
  expect([ended.signal, ended.stderr]).toEqual(["SIGKILL", ""]);
  const [left = ""] = (await readdir(folder)).filter((name) => name.endsWith(".tmp"));
  const { ino, size } = await stat(join(folder, left));
  expect(size).toBeGreaterThan(100_000);
  return { job, whole, undisturbed: JSON.parse(undisturbed.stdout) as Receipt, ino, folder };
}

/** The run is gone on with to its end, which is that of the other. */
async function goesOn({ job, whole, undisturbed, ino, folder }: Struck): Promise<void> {
  const ended = await started(job);
  expect(ended.stderr).toBe("");
  // What had been written is a part of the output, not a copy of it.
  expect((await stat(job.output)).ino).toBe(ino);
  expect((await readFile(job.output)).equals(await readFile(whole.output))).toBe(true);
  expect(counted(JSON.parse(ended.stdout) as Receipt)).toEqual(counted(undisturbed));
  expect((await readdir(folder)).filter((name) => name.startsWith("."))).toEqual([]);
}

async function served(use: (baseUrl: string) => Promise<void>): Promise<void> {
  const emulator = await startEmulator({ seed: 3, answer });
  try {
    await use(emulator.url);
  } finally {
    await emulator.close();
  }
}

const LONG = { timeout: 120_000 };

it.each(KINDS)("%s to %s", LONG, async (kind, ending, mark) => {
  await served(async (baseUrl) => {
    await goesOn(await struck(kind, { ending, mark, baseUrl }));
  });
});

/** Empties the first chunk's replies of a step, and takes away what they were read as. */
async function loseFirstReplies({ job }: Struck, column: string): Promise<void> {
  const steps = join(job.runDir, "run");
  const named: string[] = [];
  for (const name of await readdir(steps)) {
    const chunks = join(steps, name, "chunks");
    const text = await readFile(join(chunks, requestFileName(1)), "utf8").catch(() => "");
    if (text.includes(column === "why" ? "Why?" : "Is it odd?")) named.push(chunks);
  }
  expect(named).toHaveLength(1);
  await rm(join(named[0] ?? "", answerFileName(1)));
  await writeFile(join(named[0] ?? "", replyFileName(1)), "");
}

// A later step is known by the prompts that the first step's answers make, so those are read once more.
it.each([
  ["kept columns", ["side", "why"]],
  ["kept steps", ["why"]],
] as const)("%s: no reply is read again whose rows were written", LONG, async (kind, lost) => {
  await served(async (baseUrl) => {
    const one = await struck(kind, { ending: ".csv", mark: 12, baseUrl });
    for (const column of lost) await loseFirstReplies(one, column);
    await goesOn(one);
  });
});

// A function's prompts show some cells only, and the others stand in the output too.
it("an input that changed in what no prompt shows is written anew", LONG, async () => {
  await served(async (baseUrl) => {
    const { job, whole } = await struck("function", { ending: ".csv", mark: 6, baseUrl });
    for (const { input } of [job, whole]) {
      const text = await readFile(input, "utf8");
      await writeFile(input, text.replaceAll(/^7(?=\d*,)/gm, "8"));
    }
    const ended = await started(job);
    expect(ended.stderr).toBe("");
    await started(whole);
    expect(await readFile(job.output, "utf8")).toBe(await readFile(whole.output, "utf8"));
  });
});
