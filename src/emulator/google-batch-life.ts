/** The life of a Gemini batch, from PENDING to its end. Only one that succeeds gives anything. */
import { enterState, type GoogleBatch } from "./google-batch.ts";
import type { GooglePlan } from "./google-batch-plan.ts";
import { runGoogleRows } from "./google-batch-rows.ts";
import { RPC_CODES } from "./google-errors.ts";
import { addGoogleFile } from "./google-files.ts";
import { isJsonObject, parseJson } from "./json.ts";
import { holdIfStruck, pauseWhile } from "./batch-pause.ts";
import { shuffledOrder } from "./random.ts";
import { startResultFile, type ResultFile } from "./result-file.ts";
import type { World } from "./world.ts";

/** Lives the whole life of `batch`; resolves when it has ended or the emulator closes. */
export async function liveGoogleBatch(
  world: World,
  batch: GoogleBatch,
  plan: GooglePlan,
): Promise<void> {
  const isWanted = (): boolean => !batch.cancelRequested;
  await pauseWhile(world, batch, world.settings.validatingMs, isWanted);
  await holdIfStruck(world, batch, "stuckValidating");
  if (await hasEndedEarly(world, batch)) return;
  const failing = world.faults.strike("failValidation", { key: [batch.sequence] });
  if (failing !== null) {
    const { code = "INVALID_ARGUMENT", message = "The batch could not be processed." } = failing;
    batch.error = { code: RPC_CODES[code] ?? 2, message };
    enterState(world, batch, "FAILED");
    return;
  }
  enterState(world, batch, "RUNNING");
  await holdIfStruck(world, batch, "stuck");
  if (await hasEndedEarly(world, batch)) return;
  await run(world, batch, plan);
}

/** Ends a batch that was cancelled or whose time is over; true too when the emulator closes. */
async function hasEndedEarly(world: World, batch: GoogleBatch): Promise<boolean> {
  if (world.closing.aborted) return true;
  if (batch.cancelRequested) {
    await endCancelled(world, batch);
    return true;
  }
  if (world.nowMs() < batch.expiresAtMs) return false;
  enterState(world, batch, "EXPIRED");
  return true;
}

/** A cancel shows nowhere until the batch is done; then it carries the code of an internal error. */
async function endCancelled(world: World, batch: GoogleBatch): Promise<void> {
  await pauseWhile(world, batch, world.settings.cancellingMs, () => true);
  if (world.closing.aborted) return;
  batch.error = { code: RPC_CODES["INTERNAL"] ?? 13, message: "The batch was cancelled." };
  enterState(world, batch, "CANCELLED");
}

async function run(world: World, batch: GoogleBatch, plan: GooglePlan): Promise<void> {
  const sink = plan.inline ? inlineSink(world, batch, plan) : await fileSink(world, batch);
  try {
    const end = await runGoogleRows({ world, batch, plan, write: sink.write });
    if (end.reason === "done") {
      const { finalizingMs } = world.settings;
      await pauseWhile(world, batch, finalizingMs, () => !batch.cancelRequested);
    }
    if (await hasEndedEarly(world, batch)) return;
    if (end.reason === "expired" || batch.someExpired) {
      enterState(world, batch, "EXPIRED");
      return;
    }
    batch.output = await sink.publish();
    // A cancel that came while the results were being finished is obeyed.
    if (!(await hasEndedEarly(world, batch))) enterState(world, batch, "SUCCEEDED");
  } finally {
    await sink.discard();
  }
}

/** Where the replies of one batch go. */
interface Sink {
  readonly write: (lines: readonly string[], index: number) => Promise<void> | undefined;
  readonly publish: () => Promise<GoogleBatch["output"]>;
  /** Throws away what was not published. */
  readonly discard: () => Promise<void>;
}

async function fileSink(world: World, batch: GoogleBatch): Promise<Sink> {
  let open: ResultFile | null = await startResultFile(world, ["gemini", batch.sequence]);
  const discard = async (): Promise<void> => {
    await open?.writer.discard();
    open = null;
  };
  return {
    write(lines) {
      let full: Promise<void> | undefined;
      for (const line of lines) full = open?.write(line) ?? full;
      return full;
    },
    publish: async () => {
      const key = { key: [batch.sequence] };
      const emptied = world.faults.strike("emptyOutput", key);
      if (emptied !== null) await discard();
      if (emptied !== null && emptied.how !== "emptyFile") {
        const named = world.faults.strike("outputIdEmptyString", key) !== null;
        return named ? { file: "" } : null;
      }
      const { writer } = open ?? { writer: await world.files.startWriting() };
      open = null;
      await writer.finish();
      const id = batch.id.replace("batches/", "files/batch-");
      const displayName = `${batch.id} responses`;
      const details = { displayName, mimeType: "application/jsonl", source: "GENERATED" } as const;
      return { file: addGoogleFile(world, writer, { id, ...details }).id };
    },
    discard,
  };
}

function inlineSink(world: World, batch: GoogleBatch, plan: GooglePlan): Sink {
  const replies: (readonly unknown[])[] = Array.from({ length: plan.count }, () => []);
  return {
    write: (lines, index) => {
      replies[index] = lines.map(parseJson);
      return undefined;
    },
    publish: () => {
      const key = { key: [batch.sequence] };
      const anonymous = world.faults.strike("dropInlineMetadata", key) !== null;
      const shuffled = world.faults.strike("shuffleInline", key) !== null;
      const order = shuffled ? shuffledOrder(plan.count, world.settings.seed) : replies.keys();
      const inlined = [...order]
        .flatMap((index) => replies[index] ?? [])
        .map((reply) => (anonymous ? withoutMetadata(reply) : reply));
      return Promise.resolve({ inlined });
    },
    discard: () => Promise.resolve(),
  };
}

function withoutMetadata(reply: unknown): unknown {
  if (!isJsonObject(reply)) return reply;
  return Object.fromEntries(Object.entries(reply).filter(([name]) => name !== "metadata"));
}
