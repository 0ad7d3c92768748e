/** One part of a run: taken under its lease, driven as far as it goes now, and given back. */

import { rm } from "node:fs/promises";
import type { Receipt } from "../core/receipt.ts";
import type { RowErrorCode } from "../core/result.ts";
import { BudgetError } from "../core/errors.ts";
import { settingsOf } from "../enrich-settings.ts";
import { askedOf, specModel, specOptions } from "../session/run-spec.ts";
import type { DriveMemory, Warning } from "../run/driver.ts";
import { keepingSession } from "../session/keeping-session.ts";
import { openSession, type Conduct, type DriveHow, type Session } from "../session/session.ts";
import type { Settings } from "../session/settings.ts";
import type { Objects } from "../store/objects.ts";
import type { Database } from "../store/postgres-client.ts";
import { postgresCache } from "../store/postgres-cache.ts";
import { readDataset, type Dataset } from "../store/postgres-datasets.ts";
import { changePart, type Part } from "../store/postgres-parts.ts";
import { openPostgresStore, type SharedStore } from "../store/postgres.ts";
import { accountOf } from "./accounts.ts";
import { datasetSpec, type DatasetSpec } from "./dataset-spec.ts";
import { partFrame, type PartFrame } from "./part-frame.ts";
import { writePart } from "./part-output.ts";
import { openPlace } from "./places.ts";
import { sharedFailureLimit, type SharedFailureLimit } from "./shared-failures.ts";
import { sharedPurse } from "./shared-purse.ts";
import { seenIn } from "./whole-input.ts";

/** What working on parts needs. */
export interface PartWork {
  readonly database: Database;
  /** A folder of this part's work alone, which is removed afterwards. */
  readonly spool: string;
  /** A folder for half-written parts, which workers that come later may go on with. */
  readonly writes: string;
  readonly leaseMs: number;
  readonly memory: DriveMemory;
  /** Asked between steps: true gives the part back as soon as the step is done. */
  readonly leaves: () => boolean;
  readonly signal: AbortSignal;
  readonly onWarning: (warning: Warning) => void;
}

/** How far a part came: it is done, with its whole run or not, or something is due after a while. */
export type PartProgress =
  | { readonly how: "done"; readonly receipt: Receipt; readonly endsRun: boolean }
  | { readonly how: "waits"; readonly restMs: number };

// Giving a part back and taking it again costs more than waiting so long.
const SHORT_REST_MS = 1000;

/**
 * Works on a part until it is done or nothing is due for it.
 *
 * @throws {StoreError} `run_locked` while another worker holds it, `lock_lost` when one has taken it over.
 */
export async function workPart(part: Part, work: PartWork): Promise<PartProgress> {
  const dataset = await readDataset(work.database, part.dataset);
  const spec = datasetSpec(dataset.spec);
  const inputs = openPlace(part.place);
  try {
    const { reading } = spec.run;
    const whole = seenIn(spec.whole);
    const frame = await partFrame(part, { objects: inputs, spool: work.spool, reading, whole });
    const held = await takePart({ part, dataset, spec, frame }, work);
    try {
      return await advancePart(held, work);
    } finally {
      await held.session[Symbol.asyncDispose]();
      await held.settings.model.provider.close();
      await held.data[Symbol.asyncDispose]();
    }
  } finally {
    await inputs[Symbol.asyncDispose]();
    await rm(work.spool, { recursive: true, force: true });
  }
}

interface Opening {
  readonly part: Part;
  readonly dataset: Dataset;
  readonly spec: DatasetSpec;
  readonly frame: PartFrame;
}

interface HeldPart extends Opening {
  readonly settings: Settings;
  readonly session: Session;
  readonly store: SharedStore;
  readonly data: Objects;
}

/** Takes the part's lease, and opens its run under it. */
async function takePart(opening: Opening, work: PartWork): Promise<HeldPart> {
  const { part, dataset, frame } = opening;
  const data = openPlace(dataset.data);
  const opened: SharedStore[] = [];
  const settings = await partSettings(opening, work);
  const { provider } = settings.model;
  try {
    const own = await openSession(
      {
        ...settings,
        openStore: async (_directory, fresh) => {
          if (fresh === null) throw new Error("A part's run is always opened with its settings.");
          const shared = await openPostgresStore(
            {
              database: work.database,
              objects: data,
              prefix: `${dataset.id}/chunks/${String(part.number).padStart(5, "0")}/`,
              spool: work.spool,
              leaseMs: work.leaseMs,
              account: accountOf(provider),
              purse:
                settings.price === null || provider.free
                  ? null
                  : { dataset: dataset.id, price: settings.price },
            },
            fresh,
          );
          opened.push(shared);
          return shared;
        },
      },
      conductOfPart(opening, work),
    );
    const session = keepingSession(own);
    const [store] = opened;
    if (store === undefined) throw new Error("The session has opened no store.");
    const held: HeldPart = { ...opening, settings, session, store, data };
    if (part.frame === null) {
      const known = await frame.known();
      await held.store.guarded((connection) => changePart(connection, part.run, { frame: known }));
    }
    return held;
  } catch (error) {
    await provider.close();
    await data[Symbol.asyncDispose]();
    throw error;
  }
}

/** The settings of a part's run: the dataset's, over the part's rows. */
async function partSettings(
  { part, dataset, spec, frame }: Opening,
  work: PartWork,
): Promise<Settings> {
  const { run, settleMs } = spec;
  const model = { ...specModel(run), ...(settleMs === null ? {} : { settleMs }) };
  const settings = await settingsOf(frame, run.template ?? "", model, {
    options: { ...specOptions(run), cache: false, name: part.run, runDir: work.spool },
    memo: {},
    refreshed: run.refreshed,
    asked: () => askedOf(run, undefined),
  });
  // A part without a single row to ask is a part all the same.
  const { cache } = spec.conduct;
  return {
    ...settings,
    limit: part.rowLimit,
    whole: dataset.id,
    mayAskNothing: true,
    cache: cache === null ? null : { file: "", ...cache },
    openCache: () => postgresCache(work.database),
  };
}

function conductOfPart({ part, dataset, spec }: Opening, work: PartWork): Conduct {
  const { capUsd } = dataset;
  return {
    ...spec.conduct,
    purse:
      capUsd === null
        ? null
        : sharedPurse(work.database, { dataset: dataset.id, run: part.run, capUsd }),
    lane: "batch",
    maxFailures: dataset.maxFailures,
    deadlineMs: null,
    signal: work.signal,
    onOpen: () => undefined,
    onProgress: () => undefined,
    onWarning: work.onWarning,
  };
}

async function advancePart(held: HeldPart, work: PartWork): Promise<PartProgress> {
  const { part, dataset, session, settings, store } = held;
  const { memory, leaves } = work;
  await session.plan();
  const failures = sharedFailureLimit(work.database, dataset);
  // One part's own failures say nothing of a limit that is for all parts.
  if (failures.watch !== null) memory.failures = failures.watch;
  if (part.retry !== null) {
    await session.retry(part.retry === "all" ? undefined : (part.retry as RowErrorCode[]));
    await store.guarded((connection) => changePart(connection, part.run, { retry: null }));
  }
  // What is asked from here would stand still while nobody holds it.
  const once = settings.model.provider.asksLive !== true;
  for (;;) {
    if (await drivenOut(held, { once, memory, leaves }, failures)) break;
    const restMs = leaves() ? 0 : memory.restMs;
    if (restMs > SHORT_REST_MS || leaves()) {
      await store.guarded((connection) =>
        changePart(connection, part.run, { restMs, troubles: 0, error: null }),
      );
      return { how: "waits", restMs };
    }
    await new Promise((resolve) => setTimeout(resolve, restMs));
  }
  const { receipt, endsRun } = await writePart(held, work.writes);
  return { how: "done", receipt, endsRun };
}

/** Drives a part; true when nothing is open, or when what is left to send is more than the budget allows. */
async function drivenOut(
  { session, store, settings, spec }: HeldPart,
  how: DriveHow & { readonly memory: DriveMemory },
  failures: SharedFailureLimit,
): Promise<boolean> {
  try {
    return await session.drive(how);
  } catch (error) {
    if (!(error instanceof BudgetError)) throw error;
    if (error.code === "too_many_failures") {
      const isOut = (await store.chunks()).every(
        ({ state }) => state === "planned" || state === "collected",
      );
      if (isOut) throw await failures.error(error);
      // Once the part is stopped nobody would collect what is under way and paid for.
      how.memory.restMs = spec.conduct.pollEveryMs ?? settings.model.provider.pollEveryMs;
      return false;
    }
    // What waits is counted as left out for the budget, and goes on once the cap is raised.
    return true;
  }
}
