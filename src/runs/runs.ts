/** Runs that are on disk: listing them, finding one by name, stopping and removing one. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve as absolute } from "node:path";
import { isGiven } from "../core/chunk.ts";
import { InputError, StoreError } from "../core/errors.ts";
import { priceOf } from "../core/price.ts";
import { planningProgress, progressOf } from "../core/progress.ts";
import { didYouMean } from "../core/suggest.ts";
import { DEFAULT_RUN_DIR } from "../session/settings.ts";
import { readSpec } from "../session/run-spec.ts";
import { openSqliteStore, STORE_FILE } from "../store/sqlite.ts";
import { isBegun, readSqliteRun, requestCancel } from "../store/sqlite-reader.ts";
import { removeRunFiles } from "../store/sqlite-remove.ts";
import { readPasses, removePasses } from "../store/passes-file.ts";
import { groupStatus, partsOf, passesStatus, type RunStatus } from "./run-status.ts";

export type { RunStatus };

/**
 * The runs below a directory, the newest first; none when there is no such directory.
 *
 * A run whose store cannot be read is left out of `runs` and named in `unreadable`, with why.
 */
export async function listRuns(runDir: string = DEFAULT_RUN_DIR): Promise<{
  readonly runs: readonly RunStatus[];
  readonly unreadable: readonly { readonly id: string; readonly error: StoreError }[];
}> {
  const runs: RunStatus[] = [];
  const unreadable: { id: string; error: StoreError }[] = [];
  for (const id of await foldersIn(runDir)) {
    try {
      runs.push(await readRunOrGroup(runDir, id));
    } catch (error) {
      if (!(error instanceof StoreError)) throw error;
      unreadable.push({ id, error });
    }
  }
  runs.sort((a, b) => b.createdAt.getTime() - a.createdAt.getTime());
  return { runs, unreadable };
}

/** A folder's run; where it holds none but others do in folders of its own, those are the steps or the passes of one. */
async function readRunOrGroup(runDir: string, id: string): Promise<RunStatus> {
  const directory = absolute(join(runDir, id));
  if (existsSync(join(directory, STORE_FILE))) return readRun(directory);
  const inner = (await foldersIn(directory)).toSorted().map((name) => join(directory, name));
  const [first, ...rest] = inner.filter(isBegun);
  if (first === undefined) return readRun(directory);
  const parts = [readRun(first), ...rest.map(readRun)] as const;
  if (readSpec(readSqliteRun(first).run).followedBy === null)
    return groupStatus(id, directory, parts);
  const isEnded = readPasses(directory).endedFor === parts[0].finishedAt?.getTime();
  return passesStatus(id, directory, parts, isEnded);
}

async function foldersIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith("."))
    .map(({ name }) => name);
}

/**
 * The run a word stands for: its id, the beginning of one and only one id, or `latest`.
 *
 * @throws {InputError} `run_unknown` or `run_ambiguous`, with the ids it may have meant.
 */
export async function findRun(ref: string, runDir: string = DEFAULT_RUN_DIR): Promise<RunStatus> {
  const { runs, unreadable } = await listRuns(runDir);
  const damaged = unreadable.find(({ id }) => id === ref);
  if (damaged !== undefined) throw damaged.error;
  if (ref === "latest" && runs[0] !== undefined) return runs[0];
  const exact = runs.find(({ id }) => id === ref);
  if (exact !== undefined) return exact;
  const begun = runs.filter(({ id }) => id.startsWith(ref));
  if (begun.length === 1 && begun[0] !== undefined) return begun[0];
  const ids = (begun.length > 1 ? begun : runs).map(({ id }) => id);
  if (begun.length > 1)
    throw new InputError(
      "run_ambiguous",
      `${JSON.stringify(ref)} is the beginning of several runs.`,
      {
        hint: `One of: ${ids.join(", ")}.`,
      },
    );
  throw new InputError("run_unknown", `There is no run ${JSON.stringify(ref)} in ${runDir}.`, {
    hint: ids.length === 0 ? "There are no runs there at all." : didYouMean(ref, ids),
  });
}

/**
 * Asks for a run's remote work to be stopped, whichever process drives it. Answers that came are kept;
 * the batches are cancelled by that process, or by the next one that goes on with the run.
 */
export function cancelRun(run: RunStatus): void {
  for (const { directory } of partsOf(run)) requestCancel(directory);
}

/**
 * Deletes a run: its plan, its requests and every answer, and its directory unless something else is
 * kept there. The output file stays.
 *
 * @throws {StoreError} `run_locked` while a process drives it, `run_under_way` while batches of it may
 * still be charged, unless `force` is given.
 */
export async function removeRun(run: RunStatus, { force = false } = {}): Promise<void> {
  const open = run.chunks.filter(({ state }) => state === "submitting" || state === "submitted");
  if (open.length > 0 && !force)
    throw new StoreError(
      "run_under_way",
      `Run ${run.id} has ${String(open.length)} batches under way; without its directory their answers are lost though they are charged.`,
      {
        hint: `Stop it first: batchframe cancel ${run.id}. Or remove it all the same with --force.`,
      },
    );
  for (const { directory } of partsOf(run)) {
    const store = await openSqliteStore(directory, null);
    await store[Symbol.asyncDispose]();
    await removeRunFiles(directory);
  }
  // A pass may have been killed before it was begun, and left a store that holds no run.
  for (const name of run.passes.length > 0 ? await foldersIn(run.directory) : []) {
    const left = join(run.directory, name);
    if (existsSync(join(left, STORE_FILE)) && !isBegun(left)) await removeRunFiles(left);
  }
  if (run.passes.length > 0) await removePasses(run.directory);
  // What else lies there is not ours.
  if (run.steps.length + run.passes.length > 0) await removeRunFiles(run.directory);
}

function readRun(directory: string): RunStatus {
  const { run, chunks, isDriven } = readSqliteRun(directory);
  const spec = readSpec(run);
  return {
    id: run.id,
    directory,
    model: `${spec.provider}/${spec.model}`,
    host: spec.host,
    column: spec.column,
    input: spec.input,
    reading: spec.reading,
    output: spec.output,
    createdAt: new Date(run.createdAtMs),
    finishedAt: run.finishedAtMs === null ? null : new Date(run.finishedAtMs),
    plan: run.plan,
    deadline: run.deadline,
    progress:
      run.plan === null
        ? planningProgress(0)
        : {
            ...progressOf({
              requests: run.plan.requests,
              chunks,
              sends: isDriven,
              free: spec.free,
              price: priceOf(spec.provider, spec.model, spec.prices ?? undefined),
            }),
            ...(run.capUsd === null ? {} : { capUsd: run.capUsd }),
          },
    chunks,
    hasSent: chunks.some(({ intent }) => intent !== null && !isGiven(intent)),
    steps: [],
    passes: [],
  };
}
