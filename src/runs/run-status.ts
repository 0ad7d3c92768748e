/** A run as it stands on disk; one of several columns is its steps' runs, seen as one. */

import type { Chunk } from "../core/chunk.ts";
import type { Deadline } from "../core/deadline.ts";
import { mergedCounts, type PlanCounts } from "../core/plan.ts";
import type { OpenFileOptions } from "../frame/opened-file.ts";
import { mergedProgress, stepProgress, type Progress } from "../core/progress.ts";

/** A run as it stands on disk, whether or not a process is driving it. */
export interface RunStatus {
  readonly id: string;
  readonly directory: string;
  /** `provider/model`. */
  readonly model: string;
  /** Where the rows go: a host name, or "this machine". */
  readonly host: string;
  readonly column: string;
  /** The input file, null for rows in memory. */
  readonly input: string | null;
  /** How the input is read, where it is a file. */
  readonly reading: OpenFileOptions;
  /** The output file, null for rows in memory. */
  readonly output: string | null;
  readonly createdAt: Date;
  /** When the last chunk was collected; null while there is work left. */
  readonly finishedAt: Date | null;
  /** Null until the plan is complete. */
  readonly plan: PlanCounts | null;
  /** When it is to be done; null where nobody said so. The first step's that has one, where there are several. */
  readonly deadline: Deadline | null;
  readonly progress: Progress;
  readonly chunks: readonly Chunk[];
  /** Whether anything of it was sent from here, and so its sending agreed to. */
  readonly hasSent: boolean;
  /** The runs of its steps, where it is one of several columns; empty for any other. */
  readonly steps: readonly RunStatus[];
  /** The runs of its passes, where it asks more than one model; empty for any other. */
  readonly passes: readonly RunStatus[];
}

/** The runs that a run is made of on disk: those of its steps or passes, or the run itself. */
export function partsOf(run: RunStatus): readonly RunStatus[] {
  const parts = [...run.steps, ...run.passes];
  return parts.length > 0 ? parts : [run];
}

/**
 * The status of a run whose steps are the runs in its directory: sums, and the steps themselves.
 *
 * It began with the first of them and has finished when all have; steps that wait for others to be
 * complete have no run yet. What they do not share is told of all, with commas between.
 */
export function groupStatus(
  id: string,
  directory: string,
  steps: readonly [RunStatus, ...RunStatus[]],
): RunStatus {
  const shared = (of: (step: RunStatus) => string): string =>
    [...new Set(steps.map(of))].join(", ");
  const plans = steps.flatMap(({ plan }) => plan ?? []);
  const finished = steps.flatMap(({ finishedAt }) => finishedAt?.getTime() ?? []);
  return {
    id,
    directory,
    model: shared(({ model }) => model),
    host: shared(({ host }) => host),
    column: shared(({ column }) => column),
    input: steps[0].input,
    reading: steps[0].reading,
    output: null,
    createdAt: new Date(Math.min(...steps.map(({ createdAt }) => createdAt.getTime()))),
    finishedAt: finished.length === steps.length ? new Date(Math.max(...finished)) : null,
    plan: plans.length === steps.length ? mergedCounts(plans) : null,
    deadline: steps.find(({ deadline }) => deadline !== null)?.deadline ?? null,
    progress: mergedProgress(steps.map(({ column, progress }) => stepProgress(column, progress))),
    chunks: steps.flatMap(({ chunks }) => chunks),
    hasSent: steps.some(({ hasSent }) => hasSent),
    steps,
    passes: [],
  };
}

/**
 * The status of a run whose passes are the runs in its directory: the first one's rows and files, and
 * sums of the rest. It has finished when all passes have and `isEnded` says that no other will come.
 */
export function passesStatus(
  id: string,
  directory: string,
  passes: readonly [RunStatus, ...RunStatus[]],
  isEnded: boolean,
): RunStatus {
  const [first] = passes;
  const sums = groupStatus(id, directory, passes);
  const phase = sums.progress.phase === "done" && !isEnded ? "downloading" : sums.progress.phase;
  return {
    ...sums,
    output: first.output,
    plan: first.plan,
    finishedAt: isEnded ? sums.finishedAt : null,
    progress: { ...sums.progress, phase },
    steps: [],
    passes,
  };
}
