/** `batchframe emulate`: a provider on this machine that costs nothing and misbehaves on request. */

import { readFile } from "node:fs/promises";
import {
  echo,
  forward,
  startEmulator,
  table,
  type Answerer,
  type Emulator,
  type Faults,
  type TableEntry,
} from "../emulator/emulator.ts";
import { embeddedAnswerer, InputError } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import type { EmulateFlags } from "./flags.ts";
import { count } from "./format.ts";
import { textOf } from "./given.ts";
import { interrupted } from "./interrupt.ts";
import { programName } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command until it is interrupted; gives the exit code. */
export async function emulateCommand(flags: EmulateFlags, terminal: Terminal): Promise<number> {
  const faults = await faultsOf(flags);
  const source = await answersFrom(flags);
  try {
    const emulator = await started(flags, faults, source.answer);
    // Who reads the address may stop it at once.
    const stopped = interrupted();
    terminal.data({ schemaVersion: 1, url: emulator.url, seed: emulator.seed, pid: process.pid });
    terminal.say(welcomeText(emulator, flags));
    await stopped;
    terminal.say(farewellText(emulator));
    await emulator.close();
    return EXIT.ok;
  } finally {
    await source.close();
  }
}

async function started(flags: EmulateFlags, faults: Faults, answer: Answerer): Promise<Emulator> {
  const { port, seed, validating, running, finalizing } = flags;
  try {
    return await startEmulator({
      port,
      answer,
      faults,
      ...(seed === undefined ? {} : { seed }),
      ...(validating === undefined ? {} : { validatingMs: validating }),
      ...(running === undefined ? {} : { runMs: running }),
      ...(finalizing === undefined ? {} : { finalizingMs: finalizing }),
    });
  } catch (error) {
    if (!(error instanceof Error && "code" in error && error.code === "EADDRINUSE")) throw error;
    throw new InputError("port_taken", `Port ${String(port)} is in use by another process.`, {
      hint: "Choose another --port; 0 takes any free one.",
      cause: error,
    });
  }
}

interface AnswerSource {
  readonly answer: Answerer;
  close(): Promise<void>;
}

async function answersFrom({ answer, seed }: EmulateFlags): Promise<AnswerSource> {
  const close = (): Promise<void> => Promise.resolve();
  const [kind = "", ...rest] = answer.split(":");
  const detail = rest.join(":");
  if (answer === "echo") return { answer: echo(seed === undefined ? {} : { seed }), close };
  if (answer === "embedded") return await embeddedSource();
  if (kind === "table" && detail !== "") return { answer: table(await entriesOf(detail)), close };
  if (kind === "forward" && URL.canParse(detail)) return { answer: forward(detail), close };
  throw new InputError("emulator_answer", `${JSON.stringify(answer)} is no source of answers.`, {
    hint: "One of: echo, embedded, table:FILE.json, forward:URL of a chat completions endpoint.",
  });
}

async function embeddedSource(): Promise<AnswerSource> {
  const model = await embeddedAnswerer();
  const answer: Answerer = async ({ body }) => {
    try {
      return await model.answer(body);
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      // What this model cannot answer is the client's mistake, as it would be with a real service.
      const refusal = {
        message: error.message,
        type: "invalid_request_error",
        param: null,
        code: error.code,
      };
      return { error: { status: 400, body: { error: refusal } } };
    }
  };
  return { answer, close: () => model.close() };
}

async function entriesOf(path: string): Promise<Readonly<Record<string, TableEntry>>> {
  const entries = jsonObject(await readFile(path, "utf8").catch(() => null));
  if (entries !== null) return entries as Readonly<Record<string, TableEntry>>;
  throw new InputError("emulator_answer", `${path} is not a readable JSON object of answers.`, {
    hint: 'Give each message its answer: {"the last user message": "the answer"}.',
  });
}

/** Faults from `--faults`, and over them those with flags of their own. */
async function faultsOf(flags: EmulateFlags): Promise<Faults> {
  const { delay, dropRows, duplicateRows, failRows, unknownIds } = flags;
  const { expireRows, refuseRows, truncateRows, invalidJsonRows } = flags;
  const { wrongShapeRows, fencedRows, duplicateKeyRows, deepRows, hugeRows } = flags;
  const given =
    flags.faults === undefined ? {} : jsonObject(await textOf("--faults", flags.faults));
  if (given === null)
    throw new InputError("emulator_faults", "--faults is not a JSON object.", {
      hint: `Such as: --faults '{"dropRows": 0.01, "error429": {"count": 3}}'`,
    });
  const rows = {
    dropRows,
    duplicateRows,
    failRows,
    unknownIds,
    expireRows,
    refuseRows,
    truncateRows,
    invalidJsonRows,
    wrongShapeRows,
    fencedRows,
    duplicateKeyRows,
    deepRows,
    hugeRows,
  };
  const set = Object.entries({ ...rows, delayMs: delay }).filter(
    ([, value]) => value !== undefined,
  );
  return { ...given, ...Object.fromEntries(set) };
}

function jsonObject(text: string | null): object | null {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && !Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

function welcomeText(emulator: Emulator, flags: EmulateFlags): string {
  const faults = Object.entries(emulator.faults).map(
    ([name, dose]) => `${name} ${JSON.stringify(dose)}`,
  );
  return [
    `A provider that costs nothing listens at ${emulator.url}`,
    `  answers  ${flags.answer} · seed ${String(emulator.seed)}`,
    `  faults   ${faults.length === 0 ? "none" : faults.join(", ")}`,
    "",
    "Use it from another terminal:",
    `  export OPENAI_BASE_URL=${emulator.url}`,
    "  export OPENAI_API_KEY=any-key-will-do",
    `  ${programName().join(" ")} classify FILE.csv --text COLUMN --labels a,b \\`,
    "    -m openai/emulated --poll 1s --yes",
    "",
    "It speaks for others as well:",
    `  export ANTHROPIC_BASE_URL=${emulator.urls.anthropic}`,
    `  export GOOGLE_BASE_URL=${emulator.urls.google}`,
    `  export VERTEX_BASE_URL=${emulator.urls.vertex}`,
    `  export AZURE_BASE_URL=${emulator.urls.azure}`,
    `  export MISTRAL_BASE_URL=${emulator.urls.mistral}`,
    `  export GROQ_BASE_URL=${emulator.urls.groq}`,
    `  export TOGETHER_BASE_URL=${emulator.urls.together}`,
    `  export PARASAIL_BASE_URL=${emulator.urls.parasail}`,
    `  export DOUBLEWORD_BASE_URL=${emulator.urls.doubleword}`,
    `  export REGOLO_BASE_URL=${emulator.urls.regolo}`,
    `  export COMPATIBLE_BASE_URL=${emulator.urls.plain}`,
    "",
    "Ctrl-C stops it and forgets everything.",
  ].join("\n");
}

function farewellText(emulator: Emulator): string {
  const { batchesCreated, rowsExecuted, bodiesBilledAgain } = emulator.stats();
  return `${count(batchesCreated)} batches, ${count(rowsExecuted)} rows executed, ${count(bodiesBilledAgain)} of them more than once.`;
}
