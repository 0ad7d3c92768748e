/** `batchframe build`: plans a run and hands out its request files; sends nothing. */

import { createReadStream } from "node:fs";
import { copyFile, mkdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { InputError, type ChunkFile } from "../index.ts";
import type { BuildFlags } from "./flags.ts";
import { counted } from "./format.ts";
import { commandLine, enrichedPath, programName, runCommandLine, shortPath } from "./paths.ts";
import { askOf, runOf } from "./run.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0. */
export async function buildCommand(
  input: string,
  flags: BuildFlags,
  terminal: Terminal,
): Promise<number> {
  if (terminal.json && flags.output === undefined)
    throw new InputError(
      "option_invalid",
      "Standard output cannot hold both the requests and what --json prints. Nothing was sent.",
      { hint: "Name a file for the requests with -o." },
    );
  const { run, facts } = await runOf(
    input,
    enrichedPath(input),
    // Request files are made for batches.
    await askOf({ ...flags, lane: flags.lane ?? "batch" }),
  );
  let id = "";
  run.on("open", (opened) => {
    id = opened.id;
  });
  const files = await run.requestFiles();
  if (files.length === 0)
    throw new InputError("nothing_to_build", `No chunk of run ${id} waits to be sent.`, {
      hint: `See where it stands: ${runCommandLine("status", id, facts.runDir)}`,
    });
  const written = await handOut(files, id, flags.output);
  terminal.say(
    `run ${id}: ${written.map(({ chunk, requests, path }) => `chunk ${String(chunk)}, ${counted(requests, "request")} → ${path === null ? "standard output" : shortPath(path)}`).join("\n  ")}`,
  );
  terminal.say("Nothing was sent. Send it by hand, and give the run what came of it:");
  const [{ path, chunk } = { path: null, chunk: 1 }] = written;
  const which = written.length > 1 ? ["--chunk", String(chunk)] : [];
  const file = path === null ? "FILE" : shortPath(path);
  const collect = (...words: string[]): string =>
    `  ${runCommandLine("collect", id, facts.runDir)} ${commandLine([...words, ...which])}`;
  terminal.say(
    `  ${commandLine([...programName(), "batches", "submit", file, "-m", facts.model])}`,
  );
  terminal.say(collect("--batch-id", "ID"));
  terminal.say(collect("--results", "REPLIES.jsonl"));
  terminal.say(`or let it be sent: ${runCommandLine("resume", id, facts.runDir)}`);
  terminal.data({ schemaVersion: 1, run: id, files: written });
  return 0;
}

interface HandedOut {
  readonly chunk: number;
  /** Null for standard output. */
  readonly path: string | null;
  readonly requests: number;
  readonly bytes: number;
}

async function handOut(
  files: readonly ChunkFile[],
  run: string,
  output: string | undefined,
): Promise<readonly HandedOut[]> {
  const into = output !== undefined && (await isFolder(output)) ? output : null;
  if (into === null && files.length > 1)
    throw new InputError(
      "several_chunks",
      `Run ${run} has ${String(files.length)} chunks, and each is a file of its own. Nothing was sent.`,
      {
        hint: "Name a folder with -o DIR/; or make the chunks larger with --chunk-rows, as far as the provider takes it.",
      },
    );
  if (into !== null) await mkdir(into, { recursive: true });
  const written: HandedOut[] = [];
  for (const { chunk, path: source, requestCount: requests, bytes } of files) {
    const path = into === null ? (output ?? null) : join(into, fileName(run, chunk));
    if (path === null) await pipeline(createReadStream(source), process.stdout, { end: false });
    else await copyWhole(source, path);
    written.push({ chunk, path, requests, bytes });
  }
  return written;
}

async function isFolder(output: string): Promise<boolean> {
  if (/[/\\]$/.test(output)) return true;
  return (await stat(output).catch(() => null))?.isDirectory() ?? false;
}

function fileName(run: string, chunk: number): string {
  return `${run}-${String(chunk).padStart(6, "0")}.jsonl`;
}

/** Copies a file so that it appears under its name whole or not at all. */
async function copyWhole(source: string, path: string): Promise<void> {
  const unfinished = `${path}.part`;
  try {
    await copyFile(source, unfinished);
    await rename(unfinished, path);
  } catch (cause) {
    await rm(unfinished, { force: true }).catch(() => undefined);
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new InputError(
      "output_unwritable",
      `${path} cannot be written (${code}). Nothing was sent.`,
      {
        hint: "Name an output in a folder that exists and that you may write to.",
        cause,
      },
    );
  }
}
