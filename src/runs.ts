/** Runs that are on disk: listing them, looking at one, and going on with one by name. */

import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join, resolve as absolute } from "node:path";
import type { CallSettings, PromptCache } from "./core/call-settings.ts";
import { isGiven } from "./core/chunk.ts";
import type { LongTexts } from "./core/cut.ts";
import { InputError, StoreError } from "./core/errors.ts";
import type { MetaColumn } from "./core/meta.ts";
import { priceOf, type PriceOverrides } from "./core/price.ts";
import type { Unanswered } from "./kept-rows.ts";
import type { Json } from "./core/hash.ts";
import { planningProgress, progressOf } from "./core/progress.ts";
import type { Receipt } from "./core/receipt.ts";
import type { Params } from "./core/request.ts";
import { didYouMean } from "./core/suggest.ts";
import type { OnNull } from "./core/template.ts";
import { fileRun, type EnrichOptions } from "./enrich.ts";
import { DEFAULT_RUN_DIR, type AskedAndRead } from "./enrich-settings.ts";
import type { EnrichRun } from "./enrich-run.ts";
import type { OpenFileOptions } from "./frame/opened-file.ts";
import { askedOutput, withQuotes, type OutputOption } from "./output/form.ts";
import { schemaOption } from "./output/schema-option.ts";
import type { AnswerForm } from "./core/form.ts";
import type { ModelSpec } from "./provider/models.ts";
import type { TextEndpoint } from "./provider/openai-dialect.ts";
import type { Pacing } from "./provider/pacing.ts";
import type { Example } from "./stages/render.ts";
import { openSqliteStore, readSqliteRun, requestCancel, STORE_FILE } from "./store/sqlite.ts";
import { removeRunFiles } from "./store/sqlite-remove.ts";
import type { RunRecord } from "./store/store.ts";
import { readPasses, removePasses } from "./store/passes-file.ts";
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
  const [first, ...rest] = inner.filter((path) => existsSync(join(path, STORE_FILE)));
  if (first === undefined) return readRun(directory);
  const parts = [readRun(first), ...rest.map(readRun)] as const;
  if (readSpec(readSqliteRun(first).run).followedBy === null)
    return groupStatus(id, directory, parts);
  const isEnded = readPasses(directory).endedFor === parts[0].finishedAt?.getTime();
  return passesStatus(id, directory, parts, isEnded);
}

async function foldersIn(directory: string): Promise<readonly string[]> {
  const entries = await readdir(directory, { withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
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
  if (run.passes.length > 0) await removePasses(run.directory);
  // What else lies there is not ours.
  if (run.steps.length + run.passes.length > 0) await removeRunFiles(run.directory);
}

/** What {@link resumeRun} takes over from {@link EnrichOptions}. */
type Passed = Pick<
  EnrichOptions<string, OutputOption>,
  | "pollEveryMs"
  | "retries"
  | "stallMs"
  | "keepRemote"
  | "lane"
  | keyof Pacing
  | "signal"
  | "onProgress"
  | "progress"
>;

/** How a run is gone on with; what is asked cannot be changed. */
export type ResumeOptions = Passed & {
  /** Writes to this file instead of the one the run was started with. */
  readonly output?: string;
  /** Reads replies as this, which models were not asked for; needed where the run's own schema is in code that is not at hand. */
  readonly schema?: OutputOption;
};

/**
 * Goes on with a file run as it was started, from wherever it stands. Gives the receipt.
 *
 * @throws {InputError} `run_not_resumable` for rows in memory and templates that are functions, which
 * only the code that started them has; `run_unknown` and whatever {@link enrichFile} throws.
 */
export function resumeRun(
  run: RunStatus,
  options: ResumeOptions = {},
): EnrichRun<Receipt, unknown> {
  if (run.steps.length > 0)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} has ${String(run.steps.length)} steps, which only the command or the code that started them has together. Nothing was sent.`,
      { hint: "Give that command again; it goes on where the run stands." },
    );
  const spec = readSpec(readSqliteRun(run.passes[0]?.directory ?? run.directory).run);
  const { input, template } = spec;
  const { output = spec.output, schema, ...passed } = options;
  if (input === null || output === null || template === null)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} was started from code, with rows or a template only that code has. Nothing was sent.`,
      { hint: "Run that code again; it goes on where the run stands." },
    );
  if (spec.validator === "code" && schema === undefined)
    throw new InputError(
      "run_not_resumable",
      `Run ${run.id} was started with a schema whose checks only that code has. Nothing was sent.`,
      {
        hint: `Run that code again; or give the schema: batchframe reparse ${run.id} --schema ./schema.ts#name.`,
      },
    );
  const { provider, model, baseUrl, endpoint, params, call, promptCache, examples } = spec;
  return fileRun({
    files: { input, output, reading: spec.reading },
    template,
    model: {
      provider,
      model,
      params,
      ...(baseUrl === null ? {} : { baseUrl }),
      ...(endpoint === null ? {} : { endpoint }),
    },
    asked: () => askedOf(spec, schema),
    refreshed: spec.refreshed,
    ...(spec.keep === null ? {} : { keep: spec.keep }),
    options: {
      ...call,
      ...(promptCache === null ? {} : { promptCache }),
      examples,
      column: spec.column,
      flatten: spec.flatten,
      meta: spec.meta,
      ...(spec.prices === null ? {} : { prices: spec.prices }),
      ...(spec.long ?? {}),
      onNull: spec.onNull,
      runDir: absolute(join(run.directory, "..")),
      ...(spec.cacheFile === null ? { cache: false } : { cacheFile: spec.cacheFile }),
      name: run.id,
      ...(spec.system === null ? {} : { system: spec.system }),
      ...(spec.fallbackModel === null ? {} : { fallbackModel: spec.fallbackModel }),
      ...(spec.limit === null ? {} : { limit: spec.limit }),
      ...passed,
    },
  });
}

/** What a run asks for, and how its replies are read: as its own schema says, or as another one does. */
async function askedOf(
  { form, model, validator }: Spec,
  schema: OutputOption,
): Promise<AskedAndRead> {
  const given = schema ?? (validator === null ? undefined : await schemaOption(validator));
  if (given === undefined) return { form, validate: null };
  const { form: plain, validate } = await askedOutput(given, model);
  const readAs = form.kind === "object" && form.quotes === true ? withQuotes(plain) : plain;
  return { form, readAs, validate };
}

/** What {@link openSession} records of a run's settings. */
interface Spec {
  readonly provider: string;
  readonly host: string;
  readonly model: string;
  readonly params: Params;
  readonly template: string | null;
  readonly system: string | null;
  readonly onNull: OnNull;
  readonly limit: number | null;
  readonly column: string;
  readonly form: AnswerForm;
  readonly call: CallSettings;
  readonly promptCache: PromptCache | null;
  readonly examples: readonly Example[];
  readonly input: string | null;
  readonly output: string | null;
  /** What was said of the input that it does not show. */
  readonly reading: OpenFileOptions;
  readonly baseUrl: string | null;
  readonly endpoint: TextEndpoint | null;
  readonly flatten: number;
  readonly meta: readonly MetaColumn[];
  readonly prices: PriceOverrides | null;
  /** Whether answers cost nothing. */
  readonly free: boolean;
  readonly long: LongTexts | null;
  /** Which rows are kept; null for all. */
  readonly keep: Unanswered | null;
  /** Where a schema's own check is; null where the form says all, `code` where only the program has it. */
  readonly validator: string | null;
  readonly cacheFile: string | null;
  readonly refreshed: string | null;
  /** What the passes after this first one ask of whom; null where it is the whole run. */
  readonly followedBy: Json;
  readonly fallbackModel: ModelSpec | null;
}

function readSpec(record: RunRecord): Spec {
  const spec = record.spec as Readonly<Record<string, Json>>;
  const absent = {
    ...{ input: null, output: null, reading: {}, baseUrl: null, endpoint: null },
    ...{ flatten: 1, validator: null, cacheFile: null, refreshed: null },
    ...{ meta: [], prices: null, long: null, keep: null, free: false },
    ...{ followedBy: null, fallbackModel: null },
  };
  return { ...absent, ...spec } as unknown as Spec;
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
    output: spec.output,
    createdAt: new Date(run.createdAtMs),
    finishedAt: run.finishedAtMs === null ? null : new Date(run.finishedAtMs),
    plan: run.plan,
    progress:
      run.plan === null
        ? planningProgress(0)
        : progressOf({
            requests: run.plan.requests,
            chunks,
            sends: isDriven,
            free: spec.free,
            price: priceOf(spec.provider, spec.model, spec.prices ?? undefined),
          }),
    chunks,
    hasSent: chunks.some(({ intent }) => intent !== null && !isGiven(intent)),
    steps: [],
    passes: [],
  };
}
