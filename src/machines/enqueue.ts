/** Enqueuing: a file, or many, become the parts of one run that any number of workers share. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import { InputError } from "../core/errors.ts";
import type { EnrichOptions } from "../enrich-options.ts";
import { conductOf, refreshMark, settingsOf } from "../enrich-settings.ts";
import { filesAt } from "../files/file-parts.ts";
import { checkFileOutput } from "../files/files.ts";
import { pacingOf } from "../provider/pacing.ts";
import { purseFor, spendingOf } from "../session/run-budget.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import type { Unanswered } from "../files/kept-rows.ts";
import type { OutputOption } from "../output/form.ts";
import type { ModelRef } from "../provider/models.ts";
import { checkSettings, differs, identifyingSettings, runId } from "../session/session-settings.ts";
import type { Settings } from "../session/settings.ts";
import { directoryObjects } from "../store/objects-directory.ts";
import type { Objects } from "../store/objects.ts";
import { limitAccount, type AccountLimits } from "../store/postgres-admission.ts";
import { capDataset } from "../store/postgres-purse.ts";
import { addDataset, readDataset, readDatasets, reopenShort } from "../store/postgres-datasets.ts";
import { openParts, noteTicks, type NewPart } from "../store/postgres-parts.ts";
import { accountOf } from "./accounts.ts";
import type { SharedConduct } from "./dataset-spec.ts";
import { nameOf, partFrame } from "./part-frame.ts";
import { isRemote, openPlace } from "./places.ts";
import type { SharedState } from "./shared-state.ts";

/** A run for many machines: what to read, what to ask, and where it all is. */
export interface DatasetJob {
  /** A file, a directory or a pattern on this machine, or a place that machines share. */
  readonly input: string;
  /** The place of the output's parts; a folder of `data` when left out. With `*.parquet` and the like at its end, in that format. */
  readonly output?: string;
  /** The place of everything that workers hand to each other: a directory that all of them can reach. */
  readonly data: string;
  readonly reading?: OpenFileOptions;
  readonly template: string;
  readonly model: ModelRef;
  readonly options: EnrichOptions<string, OutputOption>;
  /** Keeps only the rows whose answer is true, and those without an answer or not; all rows when left out. */
  readonly keep?: Unanswered;
  /**
   * Limits of the account, over all workers and runs, in place of those set before. With
   * `requestsPerMinute` and `tokensPerMinute` of the options they are left as they are when all are left out.
   */
  readonly limits?: Pick<AccountLimits, "maxBatches" | "maxTokens">;
}

/** A run that workers can begin with. */
export interface Enqueued {
  readonly id: string;
  readonly parts: number;
  /** Whether the same command had enqueued it before. */
  readonly resumed: boolean;
  readonly output: string;
  /** Where the rows go, for people. */
  readonly host: string;
  readonly free: boolean;
}

/**
 * Checks a job by its first part, hands its input to the workers and records it. Sends nothing to the
 * provider. The same job again, from whatever machine, finds the same run and wakes what is open of it.
 *
 * @throws {InputError} for anything wrong with the job; `option_unsupported` for what many machines
 * cannot do. @throws {StoreError} `run_differs`, `state_unreachable`, `state_refused`, `data_unreachable`.
 */
export async function enqueueDataset(job: DatasetJob, state: SharedState): Promise<Enqueued> {
  refuseUnshared(job);
  const folder = await mkdtemp(join(tmpdir(), "batchframe-plan-"));
  const data = openPlace(job.data);
  try {
    const found = await foundParts(job.input);
    const first = await firstSettings(job, found, folder);
    try {
      return await recorded({ job, found, settings: first, data }, state);
    } finally {
      await first.model.provider.close();
    }
  } finally {
    await data[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

/** @throws {InputError} `option_unsupported` for what needs one process, or one file, for the whole run. */
function refuseUnshared({ options, template }: DatasetJob): void {
  const unshared = {
    "--votes": options.votes,
    "--limit": options.limit,
    "--stall": options.stallMs,
    "--cache-file": options.cacheFile,
    "--fallback-model": options.fallbackModel,
    "--cascade": options.cascade,
    "--deadline": options.deadlineMs,
    "--concurrency": options.concurrency,
    "--request-timeout": options.requestTimeoutMs,
    "--on-long chunk": options.onLong === "chunk" ? true : undefined,
    "--lane realtime": options.lane === "realtime" ? true : undefined,
    "a template that is a function": typeof template === "string" ? undefined : true,
  };
  const [name] = Object.entries(unshared).find(([, value]) => value !== undefined) ?? [];
  if (name === undefined) return;
  throw new InputError(
    "option_unsupported",
    `${name} cannot be used where many machines share a run. Nothing was sent.`,
    { hint: "Leave it out, or run without --state." },
  );
}

interface FoundParts {
  /** Where the keys are. */
  readonly place: Objects;
  readonly isRemote: boolean;
  readonly parts: readonly { readonly key: string; readonly version: string }[];
}

/** The objects an input stands for; what is marked as no data, by `_` or `.`, is left out. */
async function foundParts(input: string): Promise<FoundParts> {
  if (isRemote(input)) {
    const place = openPlace(input);
    const parts = (await place.list("")).filter(({ key }) => !/^[._]/.test(nameOf(key)));
    if (parts.length > 0) return { place, isRemote: true, parts };
    throw new InputError("file_missing", `There is no object in ${input}. Nothing was sent.`, {
      hint: "Give the folder of the parts, such as s3://bucket/folder/.",
    });
  }
  if (input === "-")
    throw new InputError(
      "option_unsupported",
      "Standard input cannot be shared by many machines. Nothing was sent.",
      { hint: "Write it to a file first." },
    );
  const place = directoryObjects("/");
  const paths = (await filesAt(input)).map((path) => resolve(path));
  const parts = [];
  for (const path of paths) {
    const [entry] = (await directoryObjects(resolve(path, "..")).list(basename(path))).filter(
      ({ key }) => key === basename(path),
    );
    if (entry === undefined)
      throw new InputError("file_missing", `There is no file ${path}. Nothing was sent.`);
    parts.push({ key: path.slice(1), version: entry.version });
  }
  return { place, isRemote: false, parts };
}

/** The settings of the run over its first part: all that can be found wrong is found here. */
async function firstSettings(job: DatasetJob, found: FoundParts, spool: string): Promise<Settings> {
  const [part] = found.parts;
  const reading = job.reading ?? {};
  const frame = await partFrame(
    {
      ...{ dataset: "", number: 1, run: "", frame: null, state: "open", retry: null, troubles: 0 },
      ...{ input: part?.key ?? "", inputVersion: part?.version ?? "", output: "" },
    },
    { objects: found.place, spool, reading },
  );
  const settings = await settingsOf(frame, job.template, job.model, {
    options: { ...unpaced(job.options), cache: false },
    memo: {
      reading: { ...reading },
      baseUrl: typeof job.model === "string" ? null : (job.model.baseUrl ?? null),
      ...(job.keep === undefined ? {} : { keep: job.keep }),
    },
    refreshed: refreshMark(job.options),
  });
  checkSettings(settings);
  const output = outputOf(job, nameOf(part?.key ?? ""));
  await checkFileOutput(
    await frame.file(),
    join(spool, `check${output.ending}`),
    job.keep !== undefined,
  );
  refuseUnsharable(settings);
  spendingOf(purseFor(job.options.maxCostUsd), settings, "");
  return settings;
}

/** The options without bounds that hold over all workers, and so are the account's. */
function unpaced({
  requestsPerMinute: _requests,
  tokensPerMinute: _tokens,
  ...rest
}: DatasetJob["options"]): DatasetJob["options"] {
  return rest;
}

function refuseUnsharable({ model, memo }: Settings): void {
  const { provider } = model;
  if (provider.asksLive === true && !provider.free)
    throw new InputError(
      "option_unsupported",
      `${provider.host} has no batches: what is asked one by one is kept on one machine until a chunk is complete, and would be paid twice when that machine is lost. Nothing was sent.`,
      { hint: "Name a model of a provider with batches, or run without --state." },
    );
  if (memo["validator"] === "code")
    throw new InputError(
      "option_unsupported",
      "A schema whose checks only this program has cannot be used by workers. Nothing was sent.",
      { hint: "Give it as ./schema.ts#name, or as JSON Schema." },
    );
}

/** The place and the ending of the output's parts. */
function outputOf(
  job: DatasetJob,
  firstName: string,
): { readonly place: string | null; readonly ending: string } {
  const asInput = /(\.[a-z0-9]+(\.(gz|zst))?)$/i.exec(firstName)?.[1] ?? ".csv";
  const pattern = /^(.*?)\/?\*(\.[a-z0-9.]+)$/i.exec(job.output ?? "");
  if (pattern !== null) return { place: pattern[1] ?? "", ending: pattern[2] ?? asInput };
  return { place: job.output ?? null, ending: asInput };
}

interface Recording {
  readonly job: DatasetJob;
  readonly found: FoundParts;
  readonly settings: Settings;
  readonly data: Objects;
}

async function recorded(
  { job, found, settings, data }: Recording,
  { database, ticks }: SharedState,
): Promise<Enqueued> {
  const identity = contentHash(
    canonicalJson({
      settings: identifyingSettings(settings),
      parts: found.parts.map(({ key, version }) => [key, version]),
    }),
  );
  const id = runId(settings, identity);
  const known = (await readDatasets(database)).find((dataset) => dataset.id === id);
  if (known !== undefined && known.identity !== identity) throw differs(id);
  const { place, ending } = outputOf(job, nameOf(found.parts[0]?.key ?? ""));
  const output = place === null ? joined(data.url, `${id}/output`) : absolute(place);
  const inputs = found.isRemote
    ? found.parts.map(({ key }) => key)
    : found.parts.map(({ key }, at) => `${id}/input/${padded(at + 1)}-${nameOf(key)}`);
  if (known === undefined && !found.isRemote)
    for (const [at, { key }] of found.parts.entries()) await data.put(inputs[at] ?? "", `/${key}`);
  const parts: NewPart[] = found.parts.map(({ version }, at) => ({
    run: `${id}-p${padded(at + 1)}`,
    input: inputs[at] ?? "",
    inputVersion: version,
    output: `part-${padded(at + 1)}${ending}`,
  }));
  const conduct = conductOf(job.options) satisfies SharedConduct;
  const spec = {
    run: {
      ...identifyingSettings(settings),
      promptCache: settings.promptCache as unknown as Json,
      ...settings.memo,
    },
    inputPlace: found.isRemote ? found.place.url : data.url,
    conduct: {
      requestsPerChunk: conduct.requestsPerChunk,
      pollEveryMs: conduct.pollEveryMs,
      maxResends: conduct.maxResends,
      keepRemote: conduct.keepRemote,
    },
    settleMs: typeof job.model === "string" ? null : (job.model.settleMs ?? null),
  };
  const { provider } = settings.model;
  const isNew = await database.transaction(async (connection) => {
    const made = { id, identity, spec, data: data.url, output };
    const isAdded = await addDataset(connection, made, parts);
    const { capUsd } = conduct.purse ?? {};
    if (capUsd !== undefined && (await capDataset(connection, id, capUsd)))
      await reopenShort(connection, id);
    const limits = limitsOf(job);
    if (limits !== null) await limitAccount(connection, accountOf(provider).id, limits);
    return isAdded;
  });
  const dataset = await readDataset(database, id);
  if (dataset.identity !== identity) throw differs(id);
  const open = await openParts(database, id);
  await noteTicks(database, open, 0);
  await ticks.send(open, 0);
  return {
    id,
    parts: parts.length,
    resumed: !isNew,
    output: dataset.output,
    host: provider.host,
    free: provider.free,
  };
}

/** What the account is limited to from now on; null where nobody has said anything of it. */
function limitsOf({ limits, options }: DatasetJob): AccountLimits | null {
  const { requestsPerMinute, tokensPerMinute } = pacingOf(options);
  if ((limits ?? requestsPerMinute ?? tokensPerMinute) === undefined) return null;
  return {
    ...{ maxBatches: limits?.maxBatches ?? null, maxTokens: limits?.maxTokens ?? null },
    requestsAMinute: requestsPerMinute ?? null,
    tokensAMinute: tokensPerMinute ?? null,
  };
}

function padded(number: number): string {
  return String(number).padStart(5, "0");
}

function absolute(place: string): string {
  return isRemote(place) ? place : resolve(place);
}

function joined(place: string, folder: string): string {
  return `${place.replace(/\/$/, "")}/${folder}`;
}
