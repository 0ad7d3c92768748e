/** The life of a batch, from validating to its end. */
import { enter, type BatchRecord } from "./openai-batch.ts";
import { validate, type BatchPlan } from "./openai-batch-plan.ts";
import { startResults, type ResultFiles } from "./openai-batch-results.ts";
import { runRows, writeUnexecuted, type Run } from "./openai-batch-run.ts";
import { holdIfStruck, pauseWhile } from "./batch-pause.ts";
import { reportedModel } from "./openai-execute.ts";
import { shuffledOrder } from "./random.ts";
import { openRows } from "./row-source.ts";
import type { TokenBudget } from "./token-budget.ts";
import type { HostWorld } from "./openai-world.ts";

/** Lives the whole life of `batch`; resolves when it has ended or the emulator closes. */
export async function liveBatch(
  world: HostWorld,
  batch: BatchRecord,
  budget: TokenBudget,
): Promise<void> {
  const { validatingMs } = world.settings;
  await pauseWhile(world, batch, validatingMs, () => !batch.cancelRequested);
  await holdIfStruck(world, batch, "stuckValidating");
  if (world.closing.aborted) return;
  if (batch.cancelRequested) {
    await endCancelled(world, batch, null);
    return;
  }
  const plan = await admitted(world, batch, budget);
  if (plan === null) return;
  try {
    await runBatch(world, batch, plan);
  } finally {
    budget.release(plan.model, plan.promptTokens);
  }
}

/** The plan of a batch that passed validation; null when it did not, and has ended. */
async function admitted(
  world: HostWorld,
  batch: BatchRecord,
  budget: TokenBudget,
): Promise<BatchPlan | null> {
  const checked = await validate(world, batch.request);
  const failing = world.faults.strike("failValidation", { key: [batch.sequence] });
  if (failing !== null) {
    const { code = "invalid_request", message = "The batch could not be validated." } = failing;
    batch.problem = { code, message, param: null, line: null };
  } else if ("problem" in checked) {
    batch.problem = checked.problem;
  } else {
    batch.problem = budget.take(checked.plan.model, checked.plan.promptTokens);
  }
  if ("plan" in checked && batch.problem === null) return checked.plan;
  if (batch.cancelRequested) {
    batch.problem = null;
    await endCancelled(world, batch, null);
  } else {
    enter(world, batch, "failed");
  }
  return null;
}

async function runBatch(world: HostWorld, batch: BatchRecord, plan: BatchPlan): Promise<void> {
  const input = await openRows(plan.path);
  const results = startResults(world, batch);
  try {
    batch.model = reportedModel(world, plan.model);
    batch.counts.total = plan.count;
    if (!batch.cancelRequested) enter(world, batch, "in_progress");
    await holdIfStruck(world, batch, "stuck");
    const order = shuffledOrder(plan.count, world.settings.seed + batch.sequence);
    const run: Run = { world, batch, plan, input, results, order };
    const ended = await runRows(run);
    if (world.closing.aborted) return;
    if (ended.reason === "cancelled") {
      await endCancelled(world, batch, { run, done: ended.done });
    } else if (ended.reason === "expired") {
      await writeUnexecuted(run, ended.done, "batch_expired");
      await endWithFiles(world, batch, { results, status: "expired" });
    } else {
      await finalize(run, ended.done);
    }
  } finally {
    await input.close();
    await results.discard();
  }
}

async function finalize(run: Run, done: number): Promise<void> {
  const { world, batch, results } = run;
  enter(world, batch, "finalizing");
  const { finalizingMs } = world.settings;
  await pauseWhile(world, batch, finalizingMs, () => !batch.cancelRequested);
  if (world.closing.aborted) return;
  if (batch.cancelRequested) {
    await endCancelled(world, batch, { run, done });
    return;
  }
  const status = batch.someExpired ? "expired" : "completed";
  await endWithFiles(world, batch, { results, status });
}

/** Waits out `cancelling`, then ends as cancelled with the rows it had finished, or without them. */
async function endCancelled(
  world: HostWorld,
  batch: BatchRecord,
  started: { readonly run: Run; readonly done: number } | null,
): Promise<void> {
  const leftMs = batch.cancelledFromMs - world.settings.clock.nowMs();
  await pauseWhile(world, batch, leftMs, () => true);
  if (world.closing.aborted) return;
  if (started === null) {
    enter(world, batch, "cancelled");
    return;
  }
  const { run } = started;
  const keeps = world.faults.current().cancelKeeps ?? true;
  if (!keeps) {
    await run.results.discard();
    Object.assign(batch.counts, { completed: 0, failed: 0 });
  }
  await writeUnexecuted(run, keeps ? started.done : 0, "batch_cancelled");
  await endWithFiles(world, batch, { results: run.results, status: "cancelled" });
}

async function endWithFiles(
  world: HostWorld,
  batch: BatchRecord,
  end: { readonly results: ResultFiles; readonly status: "completed" | "expired" | "cancelled" },
): Promise<void> {
  const key = { key: [batch.sequence] };
  const emptied = world.faults.strike("emptyOutput", key);
  const none = world.faults.strike("outputIdEmptyString", key) === null ? null : "";
  const output = emptied === null ? await end.results.publish("output") : null;
  const empty = emptied?.how === "emptyFile" ? await end.results.publishEmpty("output") : null;
  const errors = await end.results.publish("error");
  batch.outputFileId = output ?? empty ?? none;
  batch.errorFileId = errors ?? (await absentErrors(world, end.results)) ?? none;
  // A cancel that came while the files were being finished is obeyed: cancelling never ends as completed.
  enter(world, batch, batch.cancelRequested ? "cancelled" : end.status);
}

/** What a host names as the error file of a batch that has no errors; null where it names none. */
async function absentErrors({ host }: HostWorld, results: ResultFiles): Promise<string | null> {
  if (host.noErrors === "emptyFile") return await results.publishEmpty("error");
  return host.noErrors === "blank" ? "" : null;
}
