/** `--state` on a command that asks a model of each row: the run is handed to workers. */

import { enqueueDataset, InputError, openState, type DatasetJob } from "../index.ts";
import { printable } from "./cells.ts";
import { EXIT } from "./exit-codes.ts";
import { counted } from "./format.ts";
import { line } from "./head-text.ts";
import type { Terminal } from "./terminal.ts";
import { neededState, type StateFlags } from "./worker.ts";

/** Flags of commands that can hand their run to workers. */
export interface EnqueueFlags extends StateFlags {
  /** The place of everything that workers hand to each other. */
  readonly data?: string;
  /** The most rows of a part. */
  readonly partRows?: number;
  /** Batches of the account under way at once, over all workers. */
  readonly batchesAtOnce?: number;
  /** Input tokens of the account under way at once, over all workers. */
  readonly enqueuedTokens?: number;
}

/** What is handed to workers, and whether the person has agreed to it. */
export interface HandedOver {
  readonly job: Omit<DatasetJob, "data" | "limits">;
  readonly flags: EnqueueFlags & { readonly yes?: boolean };
}

/** Enqueues a run and ends; gives the exit code, 130 when the person does not agree. */
export async function enqueueCommand(
  { job, flags }: HandedOver,
  terminal: Terminal,
): Promise<number> {
  const { data, partRows, batchesAtOnce, enqueuedTokens, yes = false } = flags;
  if (data === undefined)
    throw new InputError(
      "data_missing",
      "The place that workers share is not known. Nothing was sent.",
      {
        hint: "Give it with --data: s3://bucket/folder, or a directory that every machine can reach.",
      },
    );
  if (!yes && !terminal.canAsk) throw nobodyAgreed(job);
  const isLimited = batchesAtOnce !== undefined || enqueuedTokens !== undefined;
  const limits = { maxBatches: batchesAtOnce ?? null, maxTokens: enqueuedTokens ?? null };
  const state = await openState(neededState(flags));
  try {
    const parts = partRows === undefined ? {} : { partRows };
    const shared = { ...job, ...parts, ...(isLimited ? { limits } : {}), data };
    let wasInterrupted = false;
    const beforeRecording = async (warnings: readonly string[]): Promise<void> => {
      const notes = warnings.map((warning) => line("note", printable(warning), terminal));
      if (notes.length > 0) terminal.say(notes.join("\n"));
      if (yes) return;
      const answer = await agreement(job, terminal);
      wasInterrupted = answer === null;
      if (wasInterrupted) terminal.insist("\nNothing was sent.");
      if (answer !== true)
        throw new InputError("not_confirmed", "The answer was not yes. Nothing was sent.");
    };
    const run = await enqueueDataset(shared, state, { beforeRecording }).catch((error: unknown) => {
      if (wasInterrupted) return null;
      throw error;
    });
    if (run === null) return EXIT.interrupted;
    terminal.data({
      schemaVersion: 1,
      run: run.id,
      parts: run.parts,
      resumed: run.resumed,
      output: run.output,
      warnings: run.warnings,
    });
    const made = counted(run.parts, "part", "parts");
    const what = run.resumed ? `${made}, enqueued before` : `${made} enqueued`;
    terminal.say(
      [
        line("run", `${terminal.colours.strong(run.id)} · ${what}`, terminal),
        line("output", run.output, terminal),
        line("work", "batchframe worker --state, on as many machines as you like", terminal),
        line("watch", `batchframe attach ${run.id} --state`, terminal),
      ].join("\n"),
    );
    return EXIT.ok;
  } finally {
    await state[Symbol.asyncDispose]();
  }
}

function nobodyAgreed(job: HandedOver["job"]): InputError {
  return new InputError(
    "confirmation_needed",
    `Workers would send the rows of ${job.input} to ${nameOf(job)}, and nobody has agreed to that. Nothing was sent.`,
    { hint: "Agree beforehand with --yes." },
  );
}

/** Asks the person: workers plan each part and send it at once, so nobody can be asked later. */
async function agreement(job: HandedOver["job"], terminal: Terminal): Promise<boolean | null> {
  return await terminal.ask(
    `Workers will plan ${job.input} part by part and send it to ${nameOf(job)} as they go. Enqueue it? [y/N] `,
  );
}

function nameOf({ model }: HandedOver["job"]): string {
  return typeof model === "string" ? model : model.model;
}
