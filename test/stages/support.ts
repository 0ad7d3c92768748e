/** What the tests of stages share: rows in memory, and a planned run against an emulator. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { zstdCompressSync } from "node:zlib";
import { afterEach } from "vitest";
import { dedupeIndex } from "../../src/core/dedupe.ts";
import type { AnswerForm } from "../../src/core/form.ts";
import type { KeptLines } from "../../src/core/kept-lines.ts";
import type { PlanCounts } from "../../src/core/plan.ts";
import type { Params, RequestSpec } from "../../src/core/request.ts";
import { parseTemplate, type OnNull } from "../../src/core/template.ts";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { Frame } from "../../src/frame/frame.ts";
import { openaiProvider } from "../../src/provider/openai.ts";
import type { BatchProvider, ProviderLimits } from "../../src/provider/provider.ts";
import { driveRun, type DriveOptions, type Warning } from "../../src/run.ts";
import { chunkRequests } from "../../src/stages/chunk.ts";
import { storedAnswers } from "../../src/session/stored-answers.ts";
import { joinRows, type RowOutcome } from "../../src/stages/join.ts";
import { planRows } from "../../src/stages/plan.ts";
import type { Ports, Rendering } from "../../src/stages/ports.ts";
import { textRendering } from "../../src/stages/render.ts";
import { openSqliteStore } from "../../src/store/sqlite.ts";
import type { Store } from "../../src/store/store.ts";

const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** A new empty folder, removed when the test ends. */
export async function newFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "stages-"));
  cleaning.push(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A frame of one text column, `text`, in blocks of `blockRows`. */
export function frameOf(texts: readonly (string | null)[], blockRows = 1000): Frame {
  return {
    name: "rows",
    columns: ["text"],
    fingerprint: () => Promise.resolve(null),
    blocks: async function* (_columns, maxRows) {
      const size = Math.min(maxRows, blockRows);
      for (let firstRow = 0; firstRow < texts.length; firstRow += size) {
        const rows = texts.slice(firstRow, firstRow + size);
        const block = { firstRow, rowCount: rows.length, text: () => rows, values: () => rows };
        yield await Promise.resolve(block);
      }
    },
  };
}

/** Kept lines, null for a request without. */
export function keptOf(
  lines: readonly (string | null)[],
  reading: string | null = null,
): KeptLines {
  const each = lines.map((line) => Buffer.from(line === null ? "" : `${line}\n`));
  let end = 0;
  const ends = Uint32Array.from(each, ({ length }) => (end += length));
  const bytes = Buffer.concat(each);
  const pack = { packed: zstdCompressSync(bytes), ends, reading, lines: () => bytes };
  return {
    packs: lines.map((line) => (line === null ? null : pack)),
    places: Uint32Array.from(lines.keys()),
  };
}

/** The rendering of `{{ text }}` alone. */
export function plainRendering(onNull: OnNull = "skip"): Rendering {
  return textRendering(
    parseTemplate("{{ text }}"),
    { system: undefined, examples: [], form: { kind: "text" } },
    onNull,
  );
}

/** What all requests of these tests share. */
export function specOf(form: AnswerForm = { kind: "text" }, params: Params = {}): RequestSpec {
  return { model: "m", params, form, settings: {}, promptCache: null };
}

/** How a scene is set. */
export interface SceneOptions {
  readonly texts: readonly (string | null)[];
  readonly emulator?: EmulatorOptions;
  readonly form?: AnswerForm;
  readonly params?: Params;
  readonly requestsPerChunk?: number;
  readonly limits?: Partial<ProviderLimits>;
  /** How long a new batch may take to show in the list; 50 when left out. */
  readonly settleMs?: number;
  /** How long a create call is on its way before the provider has it; no time when left out. */
  readonly createTakesMs?: number;
}

/** A planned run, its provider's emulator, and the ways to go on. */
export interface Scene {
  readonly emulator: Emulator;
  readonly ports: Ports;
  readonly store: Store;
  readonly warnings: Warning[];
  drive(options?: Partial<DriveOptions>): Promise<boolean>;
  outcomes(): Promise<readonly RowOutcome[]>;
}

/** A run planned over an emulator; closed when the test ends. */
export async function scene(options: SceneOptions): Promise<Scene> {
  const emulator = await startEmulator({ seed: 11, ...options.emulator });
  cleaning.push(() => emulator.close());
  const { settleMs = 50, createTakesMs = 0 } = options;
  const real = openaiProvider({ apiKey: "test-key", baseUrl: emulator.url, settleMs });
  const provider: BatchProvider = {
    ...real,
    limits: { ...real.limits, ...options.limits },
    create: async (...call) => {
      await new Promise((resolve) => setTimeout(resolve, createTakesMs));
      return await real.create(...call);
    },
  };
  const spec = specOf(options.form, options.params);
  const store = await openSqliteStore(join(await newFolder(), "runs", "run"), {
    id: "run",
    token: "rabcdefg",
    spec: {},
    identity: "0",
    createdAtMs: Date.now(),
  });
  cleaning.push(async () => {
    await store[Symbol.asyncDispose]();
  });
  const { signal } = new AbortController();
  const ports = {
    store,
    provider,
    live: provider.live ?? null,
    token: "rabcdefg",
    remember: null,
    signal,
  };
  const requests = await planInto(store, provider, { ...options, spec });
  const warnings: Warning[] = [];
  return {
    emulator,
    ports,
    store,
    warnings,
    drive: (how) =>
      driveRun(ports, requests, {
        reading: { form: spec.form, validate: null, isStrict: true },
        pollEveryMs: 5,
        maxResends: 3,
        amendable: provider.amendable(spec),
        stallMs: null,
        keepRemote: false,
        once: false,
        onProgress: () => undefined,
        onWarning: (warning) => warnings.push(warning),
        ...how,
      }),
    outcomes: async () => {
      const joined = await Array.fromAsync(
        joinRows({
          store,
          answers: await storedAnswers({
            store,
            provider,
            reading: { form: spec.form, validate: null, isStrict: true },
            requests,
            keepsIn: store.files,
          }),
        }),
      );
      return joined.flatMap(({ outcomes }) => outcomes);
    },
  };
}

async function planInto(
  store: Store,
  provider: BatchProvider,
  options: SceneOptions & { readonly spec: RequestSpec },
): Promise<number> {
  const frame = frameOf(options.texts);
  const rendering = plainRendering();
  const { spec } = options;
  let requests = 0;
  const start = { index: dedupeIndex(), firstRow: 0 };
  const asked = { frame, rendering, spec, onNull: "skip", limit: null, provider } as const;
  const blocks = planRows({ ...asked, ...start });
  const counted = async function* (): typeof blocks {
    for await (const block of blocks) {
      requests += block.requests.length;
      yield block;
    }
  };
  await chunkRequests(counted(), {
    store,
    provider,
    token: "rabcdefg",
    spec,
    lane: "batch",
    requestsPerChunk: options.requestsPerChunk ?? 1000,
  });
  const counts: PlanCounts = {
    rows: options.texts.length,
    requests,
    duplicates: 0,
    cached: 0,
    skipped: { blank: 0, limit: 0, where: 0, sample: 0, kept: 0, step: 0, bad_row: 0, pass: 0 },
    rejected: {},
    chunks: (await store.chunks()).length,
    bytes: 0,
  };
  await store.finishPlan(counts);
  return requests;
}

/** `count` different texts. */
export function textsOf(count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `text ${String(index)}`);
}
