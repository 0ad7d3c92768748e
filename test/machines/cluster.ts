/** What the tests of many machines share: a provider, a database, a shared directory, workers, and the judgement. */

import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../../src/emulator/emulator.ts";
import type { DatasetJob } from "../../src/machines/dataset-job.ts";
import { enqueueDataset, type Enqueued, type EnqueueOptions } from "../../src/machines/enqueue.ts";
import { findSharedRun, type SharedRun } from "../../src/machines/shared-runs.ts";
import { openState, type SharedState } from "../../src/machines/shared-state.ts";
import { answerTo } from "../crash/stand.ts";
import type { PostgresServer } from "../setup/postgres.ts";
import { spawned, type Spawned } from "../setup/spawned.ts";
import type { WorkerJob } from "./child.ts";

const CHILD = fileURLToPath(new URL("child.ts", import.meta.url));

/** How long a silent worker keeps a part in these tests: as short as a busy machine allows. */
export const LEASE_MS = 2000;

/** One run over several parts, to be put through something. */
export interface Cluster {
  readonly emulator: Emulator;
  readonly url: string;
  readonly state: SharedState;
  readonly folder: string;
  enqueue(changes?: Partial<DatasetJob>, options?: EnqueueOptions): Promise<Enqueued>;
  worker(job?: Partial<WorkerJob>, env?: NodeJS.ProcessEnv): Spawned;
  /** Waits until the run is finished, or some part of it cannot go on; gives it as it stands then. */
  settled(id: string): Promise<SharedRun>;
  damage(enqueued: Enqueued): Damage;
  close(): Promise<void>;
}

/** What a finished run lost, got wrong or paid twice; every number must be 0. */
export interface Damage {
  readonly partsLost: number;
  readonly linesWrong: number;
  readonly requestsBilledTwice: number;
  readonly requestsBilledTooFew: number;
}

/** A run without damage. */
export const UNHARMED: Damage = {
  partsLost: 0,
  linesWrong: 0,
  requestsBilledTwice: 0,
  requestsBilledTooFew: 0,
};

/** How many parts of how many rows; every text of all of them is another. */
export interface ClusterShape {
  readonly parts?: number;
  readonly rows?: number;
  readonly chunkRows?: number;
  /** How many characters a text has at the least. */
  readonly paddedTo?: number;
  readonly emulator?: EmulatorOptions;
  /** The address of the shared data; a directory when left out. */
  readonly data?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** A fresh cluster: nothing is enqueued yet. It must be closed. */
export async function newCluster(
  server: PostgresServer,
  shape: ClusterShape = {},
): Promise<Cluster> {
  const { parts = 2, rows = 20, chunkRows = 10, paddedTo = 0 } = shape;
  const folder = mkdtempSync(join(tmpdir(), "cluster-"));
  const emulator = await startEmulator({ seed: 1, answer: table(answerTo), ...shape.emulator });
  const url = await server.database();
  const state = await openState(url);
  const expected: string[] = [];
  for (const name of ["in", "tmp"]) mkdirSync(join(folder, name));
  for (let part = 0; part < parts; part += 1) {
    const texts = Array.from({ length: rows }, (_, row) =>
      `subject ${String(part * rows + row)}`.padEnd(paddedTo, " more"),
    );
    writeFileSync(
      join(folder, "in", `${String(part + 100)}.csv`),
      csvOf(
        ["text"],
        texts.map((text) => [text]),
      ),
    );
    const answered = texts.map((text) => [text, answerTo(text), "ok", ""]);
    expected.push(csvOf(["text", "answer", "answer_status", "answer_error"], answered));
  }
  const workers: Spawned[] = [];
  return {
    emulator,
    url,
    state,
    folder,
    enqueue: (changes = {}, how = {}) =>
      enqueueDataset(
        {
          input: join(folder, "in"),
          data: shape.data ?? join(folder, "data"),
          template: "Judge this: {{text}}",
          model: {
            ...{ provider: "openai", model: "gpt-test", baseUrl: emulator.url },
            ...{ apiKey: "test-key", settleMs: 300 },
          },
          options: { column: "answer", chunkRows, pollEveryMs: 20 },
          ...changes,
        },
        state,
        how,
      ),
    worker: (job = {}, more = {}) => {
      const whole: WorkerJob = {
        state: url,
        strike: null,
        leaseMs: LEASE_MS,
        concurrency: 2,
        clockOffMs: 0,
        marksAlways: false,
        ...job,
      };
      const env = {
        ...process.env,
        ...shape.env,
        // What a killed worker leaves is for those of the same cluster.
        TMPDIR: join(folder, "tmp"),
        NODE_COMPILE_CACHE: join(tmpdir(), "compiled"),
        OPENAI_API_KEY: "test-key",
        ...more,
        WORKER_JOB: JSON.stringify(whole),
      };
      const child = spawned(process.execPath, ["--disable-warning=ExperimentalWarning", CHILD], {
        env,
      });
      workers.push(child);
      return child;
    },
    settled: async (id) => {
      for (;;) {
        const run = await findSharedRun(id, state.database).catch(() => null);
        if (run !== null && (run.finishedAt !== null || run.sums.parts.failed > 0)) return run;
        await sleep(50);
      }
    },
    damage: ({ output }) => {
      const found = readdirSync(output)
        .filter((name) => !/^[._]/.test(name))
        .sort();
      const texts = found.map((name) => readFileSync(join(output, name), "utf8"));
      const stats = emulator.stats();
      return {
        partsLost: parts - found.length,
        linesWrong: texts.filter((text, at) => text !== expected[at]).length,
        requestsBilledTwice: stats.bodiesBilledAgain + stats.customIdsBilledAgain,
        requestsBilledTooFew: Math.max(0, parts * rows - stats.rowsExecuted),
      };
    },
    close: async () => {
      for (const { child } of workers) child.kill("SIGKILL");
      await Promise.all(workers.map(({ ended }) => ended));
      await state[Symbol.asyncDispose]();
      await emulator.close();
    },
  };
}

function csvOf(header: readonly string[], rows: readonly (readonly string[])[]): string {
  return [header, ...rows].map((cells) => `${cells.join(",")}\n`).join("");
}
