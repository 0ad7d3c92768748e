/** The job of a run of several steps: their order, their settings, and the session over them all. */

import { join, resolve as absolute } from "node:path";
import { InputError } from "./core/errors.ts";
import { type Json, contentHash } from "./core/hash.ts";
import { metaColumns } from "./core/meta.ts";
import { stepNeeds } from "./core/steps.ts";
import { parseTemplate } from "./core/template.ts";
import type { EnrichOptions } from "./enrich-options.ts";
import { conductOf, refreshMark, settingsOf } from "./enrich-settings.ts";
import type { Job } from "./enrich-run.ts";
import type { Frame } from "./frame/frame.ts";
import { newColumns } from "./output/columns.ts";
import { askedOutput, withQuotes, type OutputOption } from "./output/form.ts";
import type { ModelRef } from "./provider/models.ts";
import { openPieces } from "./steps/piece-session.ts";
import { openSession } from "./session/session.ts";
import { DEFAULT_RUN_DIR, type Settings } from "./session/settings.ts";
import type { RowOutcome } from "./stages/join.ts";
import type { RowFunction } from "./stages/render.ts";
import { choiceColumns, choiceOf } from "./row-choice.ts";
import { runKey, withKey } from "./row-key.ts";
import { openSteps, type Step } from "./steps/step-session.ts";

/** What a step shares with the options of a run; the rest is said once for the whole run. */
export type StepOptions<Name extends string, O extends OutputOption> = Omit<
  EnrichOptions<Name, O>,
  "column" | "votes" | "fallbackModel" | "cascade" | keyof RunOptions
>;

/** One new column: its name, its prompt, its model, and what it asks for. */
export interface ColumnStep<
  Name extends string = string,
  O extends OutputOption = OutputOption,
> extends StepOptions<Name, O> {
  readonly column: Name;
  /** Text with `{{ column }}` placeholders, or a function of the row; either may read the columns of earlier steps. */
  readonly template: string | RowFunction["prompt"];
  readonly model: ModelRef;
  /** The earlier steps a template function reads, by column; a text template says so itself. All earlier ones when left out. */
  readonly needs?: readonly string[];
}

const RUN_OPTIONS = [
  "runDir",
  "name",
  "chunkRows",
  "pollEveryMs",
  "retries",
  "stallMs",
  "maxCostUsd",
  "keepRemote",
  "signal",
  "onProgress",
  "progress",
  "cache",
  "cacheFile",
  "existing",
  "key",
] as const satisfies readonly (keyof EnrichOptions<string, OutputOption>)[];

/** What is said once for a run of several columns. */
export type RunOptions = Pick<EnrichOptions<string, OutputOption>, (typeof RUN_OPTIONS)[number]>;

/** Those of a run's options that hold for all its steps. */
export function runOptionsOf(options: EnrichOptions<string, OutputOption>): RunOptions {
  return Object.fromEntries(
    RUN_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  );
}

/** The rows of a run of steps. */
export interface StepsSource {
  readonly frame: () => Promise<Frame>;
  /** What else each step's run remembers. */
  readonly memo: Readonly<Record<string, Json>>;
  /** How the outcomes of one row in all steps make the row's own; by column when left out. */
  readonly together?: (row: readonly RowOutcome[]) => RowOutcome;
}

/** A step, and which of several votes on one question it is. */
export type JobStep = ColumnStep & { readonly vote?: number };

/** What a run of steps is made of, but for where its rows are written. */
export function stepsJob(
  steps: readonly JobStep[],
  options: RunOptions,
  source: StepsSource,
): Omit<Job<never>, "finish" | "preview"> {
  const refreshed = refreshMark(options);
  return {
    conduct: conductOf(options),
    signal: options.signal,
    forgets: options.runDir === null,
    isQuiet: options.progress === "none",
    onProgress: options.onProgress,
    open: async (conduct, place) => {
      const base = await source.frame();
      const order = await orderedSteps(steps, base);
      const key = runKey(base, options.key);
      const id = options.name ?? (await groupId(base, steps));
      // The first step's settings say where runs lie, also for a memory that goes with the run.
      let directory: string | null = null;
      const opened: Step[] = steps.map((step, at) => ({
        column: step.column,
        needs: order[at] ?? [],
        open: async (frame, own) => {
          const needed = order[at] ?? [];
          const settings = await stepSettings(step, frame, { options, source, refreshed });
          directory ??= join(await place(settings), id);
          try {
            const open = settings.long?.onLong === "chunk" ? openPieces : openSession;
            const session = await open(
              {
                ...settings,
                runDir: directory,
                whole: id,
                mayAskNothing: needed.length > 0,
                ...(step.vote === undefined ? {} : { vote: step.vote }),
              },
              own,
            );
            const close = session[Symbol.asyncDispose].bind(session);
            return Object.assign(session, {
              [Symbol.asyncDispose]: async () => {
                await close();
                await settings.model.provider.close();
              },
            });
          } catch (error) {
            await settings.model.provider.close();
            throw error;
          }
        },
      }));
      const session = await openSteps({
        id,
        // A run without a directory has a private one, which the first step's settings have named.
        directory: () => absolute(directory ?? join(options.runDir ?? DEFAULT_RUN_DIR, id)),
        base,
        steps: opened,
        conduct,
        ...(source.together === undefined ? {} : { together: source.together }),
      });
      return {
        // The same directory may have been of other rows.
        session: withKey(session, key, false),
        close: async () => {
          await session[Symbol.asyncDispose]();
        },
      };
    },
  };
}

/** The settings of a step over a frame that has the columns it reads. */
export async function stepSettings(
  step: JobStep,
  frame: Frame,
  { options, source, refreshed = null }: StepsGiven,
): Promise<Settings> {
  refusePasses(step);
  return await settingsOf(frame, step.template, step.model, {
    options: { ...step, ...sharedOptions(options) },
    memo: source.memo,
    refreshed,
  });
}

/** What holds for all steps. */
interface StepsGiven {
  readonly options: RunOptions;
  readonly source: Pick<StepsSource, "memo">;
  readonly refreshed?: string | null;
}

/** The columns of the rows themselves that any step's text template reads; all of them where one is a function. */
export function baseColumns(steps: readonly ColumnStep[], base: Frame): readonly string[] {
  const read = steps.flatMap(({ template }) =>
    typeof template === "string" ? parseTemplate(template).columns : base.columns,
  );
  return base.columns.filter((name) => read.includes(name));
}

/** @throws {InputError} `option_unsupported`: a step with passes of its own would be taken for several runs. */
function refusePasses(step: object): void {
  const given: Readonly<Record<string, unknown>> = { ...step };
  const name = ["fallbackModel", "cascade"].find((one) => given[one] !== undefined);
  if (name === undefined) return;
  throw new InputError(
    "option_unsupported",
    `${name} is for runs of one column, and this run has several. Nothing was sent.`,
    { hint: "Add the column that needs it with enrichColumn first." },
  );
}

/** What a step takes over: its run, named after its content, lies below the group's and shares the cache. */
export function sharedOptions({ name: _name, ...rest }: RunOptions): RunOptions {
  const { runDir, cache } = rest;
  if (cache === false || (runDir === null && cache === undefined)) return { ...rest, cache: false };
  const cacheFile = rest.cacheFile ?? join(runDir ?? DEFAULT_RUN_DIR, "cache.sqlite");
  return { ...rest, cacheFile };
}

/** @throws {InputError} `step_order`, `column_exists`; what reads what is known before anything is opened. */
async function orderedSteps(
  steps: readonly ColumnStep[],
  base: Frame,
): Promise<readonly (readonly number[])[]> {
  const known = await Promise.all(
    steps.map(async (step, at) => {
      const { form: plain } = await askedOutput(step.output, modelName(step.model));
      const layout = {
        form: step.quotes === true ? withQuotes(plain) : plain,
        flatten: step.flatten ?? 1,
        hasTools: (step.tools ?? []).length > 0,
        tellsCut: step.onLong === "truncate",
        meta: metaColumns(step.meta ?? []),
      };
      const adds = newColumns(step.column, layout).map(({ name }) => name);
      return { column: step.column, adds, reads: readsOf(step, steps.slice(0, at)) };
    }),
  );
  // What an earlier step adds is read in the place of what the rows have; all else they have is read as it is.
  return stepNeeds(
    known.map((step, at) => {
      const made = new Set(known.slice(0, at).flatMap(({ adds }) => adds));
      const isOwn = (name: string): boolean => base.columns.includes(name) && !made.has(name);
      return { ...step, reads: step.reads.filter((name) => !isOwn(name)) };
    }),
  );
}

function readsOf(step: ColumnStep, earlier: readonly ColumnStep[]): readonly string[] {
  const { template, needs } = step;
  const chooses = choiceColumns(step);
  const known =
    typeof template === "string"
      ? parseTemplate(template).columns
      : (needs ?? earlier.map(({ column }) => column));
  return [...new Set([...known, ...chooses])];
}

function modelName(model: ModelRef): string {
  return typeof model === "string" ? model : model.model;
}

/**
 * A name for the run's directory: the same steps over the same rows share one. Of rows in memory, which have no
 * fingerprint, only each step's own run knows which they are.
 */
export async function groupId(base: Frame, steps: readonly JobStep[]): Promise<string> {
  const asked = steps.map(({ column, template, model, ...step }) => [
    ...[column, String(template), typeof model === "string" ? model : model.model],
    ...[choiceOf(step), step.limit ?? null],
  ]);
  const content = JSON.stringify([await base.fingerprint(), asked]);
  const stem = base.name.replace(/\.[a-z0-9.]+$/i, "").replace(/[^A-Za-z0-9_-]+/g, "-");
  const what = steps.some(({ vote }) => vote !== undefined) ? "votes" : "columns";
  return `${stem}-${String(steps.length)}-${what}-${contentHash(content).slice(0, 7)}`;
}
