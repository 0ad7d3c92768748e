/** Previews of several columns and of votes: some rows asked in every step, each answer counting toward the run. */

import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readdir, rmdir } from "node:fs/promises";
import { join, resolve as absolute } from "node:path";
import { InputError } from "./core/errors.ts";
import { AUTO_REALTIME_REQUESTS } from "./core/lane.ts";
import { pickedFrame } from "./frame/picked-rows.ts";
import { PREVIEWS, takeLeftPreviewsInto } from "./session/left-previews.ts";
import { checkSettings } from "./session/session-settings.ts";
import { DEFAULT_RUN_DIR } from "./session/settings.ts";
import {
  baseColumns,
  groupId,
  sharedOptions,
  stepsJob,
  stepSettings,
  type JobStep,
  type RunOptions,
  type StepsSource,
} from "./steps-job.ts";
import { STORE_FILE } from "./store/sqlite.ts";
import { removeRunFiles } from "./store/sqlite-remove.ts";
import {
  checkPreview,
  completed,
  forgetUnsent,
  type PreviewJob,
  type PreviewTable,
} from "./previews/preview-run.ts";
import { sampledRows } from "./previews/sampling.ts";

/** A run of steps, and what its previews look like. */
export interface StepsToPreview {
  readonly steps: readonly JobStep[];
  readonly options: RunOptions;
  readonly source: StepsSource;
  readonly table: PreviewTable;
}

/**
 * Previews of a run of steps. Rows are chosen by the first step, whose prompts are all different; the others are
 * asked about the same ones. In realtime wherever a provider can be asked so.
 */
export function stepsPreview({ steps, options, source, table }: StepsToPreview): PreviewJob {
  return async (rows, { how: { by = null, seed = 0 }, conduct }) => {
    const [first] = steps;
    if (first === undefined) throw new RangeError("A run of steps has none.");
    const base = await source.frame();
    const given = await stepSettings(first, base, { options, source });
    const { provider } = given.model;
    try {
      checkPreview(given, rows, by);
      if (rows > AUTO_REALTIME_REQUESTS) throw tooMany(rows);
      const rendering = checkSettings(given);
      const runDir = absolute(options.runDir ?? DEFAULT_RUN_DIR);
      const id = options.name ?? (await groupId(base, steps));
      await forgetSteps(join(runDir, id), id);
      const cacheFile = given.cache?.file ?? "";
      await takeLeftPreviewsInto(cacheFile, { runDir, provider });
      const positions = await sampledRows({ ...given, rendering }, { rows, by, seed });
      const picked = pickedFrame(base, positions);
      const shared = { ...sharedOptions(options), cacheFile };
      const name = `preview-${randomBytes(6).toString("hex")}`;
      const job = stepsJob(
        steps,
        { ...shared, runDir: join(runDir, PREVIEWS), name },
        { ...source, frame: () => Promise.resolve(picked) },
      );
      const opened = await job.open({ ...conduct, lane: "auto" }, (settings) =>
        Promise.resolve(settings.runDir),
      );
      const columns = [...new Set([...baseColumns(steps, base), ...(by === null ? [] : [by])])];
      try {
        const done = await completed(opened.session, (added, cells) =>
          table({ frame: picked, positions, columns }, added, cells),
        ).finally(() => opened.close());
        await forgetSteps(join(runDir, PREVIEWS, name));
        return { ...done, rows: positions };
      } finally {
        // Where it was stopped, its journals have answers that the cache has not.
        await takeLeftPreviewsInto(cacheFile, { runDir, provider });
      }
    } finally {
      await provider.close();
    }
  };
}

function tooMany(rows: number): InputError {
  return new InputError(
    "option_invalid",
    `A preview of several columns, or of votes, has at most ${String(AUTO_REALTIME_REQUESTS)} rows; ${String(rows)} were wished. Nothing was sent.`,
    { hint: "Ask fewer; each is asked in every step." },
  );
}

/** Removes the memories of steps; with an id, of steps that were planned and sent nothing: made anew they take the preview's answers. */
async function forgetSteps(directory: string, id?: string): Promise<void> {
  for (const name of await readdir(directory).catch((): string[] => [])) {
    const step = join(directory, name);
    if (!existsSync(join(step, STORE_FILE))) continue;
    if (id === undefined) await removeRunFiles(step);
    else await forgetUnsent(step, id);
  }
  if (id === undefined) await rmdir(directory).catch(() => undefined);
}
