/** Enqueuing: a file, or many, become the parts of one run that any number of workers share. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { canonicalJson, contentHash, type Json } from "../core/hash.ts";
import { checkPositive } from "../core/call-options.ts";
import { InputError } from "../core/errors.ts";
import { namedFormat } from "../frame/format.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import { conductOf, refreshMark, settingsOf } from "../enrich-settings.ts";
import { checkHow } from "../files/file-output.ts";
import { openFile } from "../files/files.ts";
import { asOneOf } from "../files/json-columns.ts";
import { purseFor, spendingOf } from "../session/run-budget.ts";
import { checkSettings, differs, identifyingSettings, runId } from "../session/session-settings.ts";
import type { Settings } from "../session/settings.ts";
import type { Objects } from "../store/objects.ts";
import { limitAccount } from "../store/postgres-admission.ts";
import { capDataset } from "../store/postgres-purse.ts";
import {
  addDataset,
  limitFailures,
  readDataset,
  readDatasets,
  reopenFailing,
  reopenShort,
} from "../store/postgres-datasets.ts";
import { countParts, openParts, noteTicks, type NewPart } from "../store/postgres-parts.ts";
import { accountOf } from "./accounts.ts";
import type { DatasetJob } from "./dataset-job.ts";
import type { SharedConduct, WholeInput } from "./dataset-spec.ts";
import { addressOf } from "../provider/models.ts";
import { inputFiles, localPath, partInputs, type InputFile, type PartInput } from "./inputs.ts";
import { isRemote, openPlace } from "./places.ts";
import { limitsOf, refuseUnsharable, refuseUnshared, unpaced } from "./sharable.ts";
import type { SharedState } from "./shared-state.ts";
import { seenIn, wholeInput } from "./whole-input.ts";

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
  /** What is to be said of columns whose types the output will not have, in sentences; of JSON by all rows, else by the first part. */
  readonly warnings: readonly string[];
}

/** How a job is enqueued. */
export interface EnqueueOptions {
  /** Told what is to be said of the checked job before anything is recorded; what it throws ends the enqueuing. */
  readonly beforeRecording?: (warnings: readonly string[]) => Promise<void>;
}

/**
 * Checks a job by its first part, hands its input to the workers and records it. Sends nothing to the
 * provider. The same job again, from whatever machine, finds the same run and wakes what is open of it.
 *
 * @throws {InputError} for anything wrong with the job; `option_unsupported` for what many machines
 * cannot do. @throws {StoreError} `run_differs`, `state_unreachable`, `state_refused`, `data_unreachable`.
 */
export async function enqueueDataset(
  job: DatasetJob,
  state: SharedState,
  { beforeRecording }: EnqueueOptions = {},
): Promise<Enqueued> {
  refuseUnshared(job);
  const { partRows, reading = {} } = job;
  checkPositive("partRows", partRows);
  const folder = await mkdtemp(join(tmpdir(), "batchframe-plan-"));
  const data = openPlace(job.data);
  try {
    const files = await inputFiles(job.input);
    const inputs = partInputs(files, { partRows: partRows ?? null, reading, folder });
    const first = await inputs.next();
    if (first.done === true) throw new Error("An input stands for one file at least.");
    const output = namedFormat(outputOf(job, first.value.name).ending).format;
    const whole = await wholeInput(job, files, { output, database: state.database, folder });
    const { settings, warnings } = await firstSettings(job, first.value, { folder, whole });
    try {
      await beforeRecording?.(warnings);
      return await recorded(
        { job, files, first: first.value, inputs, settings, warnings, whole, data, folder },
        state,
      );
    } finally {
      await settings.model.provider.close();
      await inputs.return(undefined);
    }
  } finally {
    await data[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  }
}

/** The settings of the run over its first part: all that can be found wrong is found here. */
async function firstSettings(
  job: DatasetJob,
  first: PartInput,
  { folder, whole }: { readonly folder: string; readonly whole: WholeInput | null },
): Promise<Pick<Recording, "settings" | "warnings">> {
  const { reading = {}, writing = {} } = job;
  const own = await openFile(await localPath(first, folder), reading);
  const seen = seenIn(whole);
  const file = seen === null ? own : asOneOf(own, seen);
  const frame = { ...file, name: first.name };
  const settings = await settingsOf(frame, job.template, job.model, {
    options: { ...unpaced(job.options), cache: false },
    memo: {
      reading: { ...reading },
      ...(Object.keys(writing).length === 0 ? {} : { writing: { ...writing } }),
      baseUrl: addressOf(job.model),
      apiKeyEnv: typeof job.model === "string" ? null : (job.model.apiKeyEnv ?? null),
      ...(job.keep === undefined ? {} : { keep: job.keep }),
    },
    refreshed: refreshMark(job.options),
  });
  checkSettings(settings);
  const output = outputOf(job, first.name);
  const leavesOutRows = job.keep !== undefined;
  const how = { ...writing, leavesOutRows };
  const warnings = await checkHow(file, join(folder, `check${output.ending}`), how);
  refuseUnsharable(settings);
  spendingOf(purseFor(job.options.maxCostUsd), settings, "");
  return { settings, warnings };
}

/** The place and the ending of the output's parts. */
function outputOf(
  job: DatasetJob,
  firstName: string,
): { readonly place: string | null; readonly ending: string } {
  const asInput = /(\.[a-z0-9]+(\.(gz|zst))?)$/i.exec(firstName)?.[1] ?? ".csv";
  const pattern = /^(.*?)\/?\*(\.[a-z0-9.]+)$/i.exec(job.output ?? "");
  if (pattern === null && namedFormat(job.output ?? "").format !== null)
    throw new InputError(
      "option_unsupported",
      `Many machines write parts, and ${job.output ?? ""} names one file. Nothing was sent.`,
      {
        hint: `Give a folder, or such as "out/*.csv", and put the parts into one file when they are done: batchframe export --state -o ${job.output ?? ""}`,
      },
    );
  if (pattern !== null) return { place: pattern[1] ?? "", ending: pattern[2] ?? asInput };
  return { place: job.output ?? null, ending: asInput };
}

interface Recording {
  readonly job: DatasetJob;
  readonly files: readonly InputFile[];
  readonly first: PartInput;
  /** Those after the first. */
  readonly inputs: AsyncIterable<PartInput>;
  readonly settings: Settings;
  readonly warnings: readonly string[];
  readonly whole: WholeInput | null;
  readonly data: Objects;
  /** A folder on this machine for copies. */
  readonly folder: string;
}

async function recorded(recording: Recording, { database, ticks }: SharedState): Promise<Enqueued> {
  const { job, files, settings, data } = recording;
  const identity = contentHash(
    canonicalJson({
      settings: identifyingSettings(settings),
      parts: files.map(({ at, version }) => [typeof at === "string" ? at : at.key, version]),
      ...(job.partRows === undefined ? {} : { partRows: job.partRows }),
      ...(settings.memo["writing"] === undefined ? {} : { writing: settings.memo["writing"] }),
    }),
  );
  const id = runId(settings, identity);
  const known = (await readDatasets(database)).find((dataset) => dataset.id === id);
  if (known !== undefined && known.identity !== identity)
    throw differs(id, known, settings.model.provider.host);
  const { place, ending } = outputOf(job, files[0]?.name ?? "");
  const output = place === null ? joined(data.url, `${id}/output`) : absolute(place);
  // Found again, nothing is handed over anew: workers may be reading it.
  const parts = known === undefined ? await handedOver(recording, { id, ending }) : [];
  const conduct = conductOf(job.options);
  const spec = {
    run: {
      ...identifyingSettings(settings),
      promptCache: settings.promptCache as unknown as Json,
      ...settings.memo,
    },
    conduct: {
      requestsPerChunk: conduct.requestsPerChunk,
      pollEveryMs: conduct.pollEveryMs,
      maxResends: conduct.maxResends,
      keepRemote: conduct.keepRemote,
      stallMs: conduct.stallMs,
      cache: job.options.cache === false ? null : { reads: job.options.cache !== "refresh" },
    } satisfies SharedConduct,
    settleMs: typeof job.model === "string" ? null : (job.model.settleMs ?? null),
    whole: recording.whole as unknown as Json,
  };
  const { provider } = settings.model;
  const isNew = await database.transaction(async (connection) => {
    const made = { id, identity, spec, data: data.url, output };
    const isAdded = await addDataset(connection, made, parts);
    const { capUsd } = conduct.purse ?? {};
    if (capUsd !== undefined && (await capDataset(connection, id, capUsd)))
      await reopenShort(connection, id);
    await limitFailures(connection, id, conduct.maxFailures);
    await reopenFailing(connection, id);
    const limits = limitsOf(job);
    if (limits !== null) await limitAccount(connection, accountOf(provider).id, limits);
    return isAdded;
  });
  const dataset = await readDataset(database, id);
  if (dataset.identity !== identity) throw differs(id, dataset, provider.host);
  const open = await openParts(database, id);
  await noteTicks(database, open, 0);
  await ticks.send(open, 0);
  return {
    id,
    parts: await countParts(database, id),
    resumed: !isNew,
    output: dataset.output,
    host: provider.host,
    free: provider.free,
    warnings: recording.warnings,
  };
}

/** Copies what the parts read to where workers reach it, unless it is there. */
async function handedOver(
  { job, first, inputs, data, folder }: Recording,
  { id, ending }: { readonly id: string; readonly ending: string },
): Promise<readonly NewPart[]> {
  const { reading = {} } = job;
  const parts: NewPart[] = [];
  let left = job.options.limit ?? null;
  const add = async (part: PartInput): Promise<void> => {
    const { name, version, at } = part;
    const number = padded(parts.length + 1);
    const isHere = typeof at === "string";
    const rowLimit = left;
    if (left !== null && left > 0) left -= await rowsUpTo(left, part, { folder, reading });
    const input = isHere ? `${id}/input/${number}-${name}` : at.key;
    if (isHere) await data.put(input, at);
    parts.push({
      run: `${id}-p${number}`,
      ...{ place: isHere ? data.url : at.place.url, input, inputVersion: version },
      output: `part-${number}${ending}`,
      rowLimit,
    });
  };
  await add(first);
  for await (const input of inputs) await add(input);
  return parts;
}

const ROWS_PER_BLOCK = 1000;

/** How many rows an input has, counted no further than `most`. */
async function rowsUpTo(
  most: number,
  part: PartInput,
  { folder, reading }: { readonly folder: string; readonly reading: OpenFileOptions },
): Promise<number> {
  const frame = await openFile(await localPath(part, folder), reading);
  let rows = 0;
  for await (const block of frame.blocks(frame.columns.slice(0, 1), ROWS_PER_BLOCK)) {
    rows += block.rowCount;
    if (rows >= most) return most;
  }
  return rows;
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
