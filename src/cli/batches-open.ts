/** What every `batchframe batches …` command begins and ends with. */

import {
  InputError,
  openBatches,
  resolveModel,
  type Batches,
  type BatchState,
  type ModelRef,
  type ModelSpec,
} from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import { onInterrupt } from "./interrupt.ts";
import type { BatchStateOutput } from "./json-output.ts";
import { MODEL_VARIABLE } from "./model-choice.ts";
import { commandLine, programName } from "./paths.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";

/** Flags of every command on batches. */
export interface BatchFlags extends TerminalFlags {
  /** A provider, or a model of it. */
  readonly model?: string;
  readonly baseUrl?: string;
}

/** What a command does with a provider's batches. */
export interface BatchWork {
  readonly batches: Batches;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Another command on a batch of this provider, as a person would type it. */
  readonly commandLine: (...words: readonly string[]) => string;
}

/**
 * Opens the provider the flags name, does the work and releases it; gives the work's exit code, 130
 * when it was interrupted.
 *
 * @throws {InputError} `model_missing`, and whatever opening the provider throws.
 */
export async function withBatches(
  flags: BatchFlags,
  terminal: Terminal,
  work: (work: BatchWork) => Promise<number>,
): Promise<number> {
  const name = nameOf(flags);
  const batches = await opened(name, flags);
  const stop = new AbortController();
  const forget = onInterrupt(() => {
    stop.abort();
  });
  const place = ["-m", name, ...(flags.baseUrl === undefined ? [] : ["--base-url", flags.baseUrl])];
  try {
    return await work({
      batches,
      signal: stop.signal,
      commandLine: (...words) => commandLine([...programName(), "batches", ...words, ...place]),
    });
  } catch (error) {
    if (!stop.signal.aborted) throw error;
    terminal.erase();
    terminal.insist("Stopped here. What was submitted goes on at the provider.");
    return EXIT.interrupted;
  } finally {
    forget();
    await batches[Symbol.asyncDispose]();
  }
}

function nameOf({ model }: BatchFlags): string {
  const name = model ?? process.env[MODEL_VARIABLE]?.trim() ?? "";
  if (name !== "") return name;
  throw new InputError("model_missing", "No provider is named. Nothing was sent.", {
    hint: `Name one with --model or ${MODEL_VARIABLE}: openai, or a model of it such as openai/gpt-5-mini.`,
  });
}

async function opened(name: string, { baseUrl }: BatchFlags): Promise<Batches> {
  const address = baseUrl === undefined ? {} : { baseUrl };
  if (name.includes("/")) return await openBatches({ ...resolveModel(name), ...address });
  const provider: ModelSpec = { provider: name, model: "", ...address };
  return await openBatches(provider).catch(async (error: unknown) => {
    if (!(error instanceof InputError) || error.code !== "unknown_provider") throw error;
    // No provider's name: a model that one provider alone has.
    const model: ModelRef = { ...resolveModel(name), ...address };
    return await openBatches(model);
  });
}

/** A batch's state in a few words: `running, 12 done`. */
export function stateText(state: BatchState): string {
  if (state.phase !== "ended")
    return state.done === null ? state.phase : `${state.phase}, ${String(state.done)} done`;
  return state.reason === null ? state.outcome : `${state.outcome}: ${state.reason.message}`;
}

/** A batch's state as scripts read it; members are added in later versions, never changed. */
export function stateData({ batchId, ...state }: BatchState): BatchStateOutput {
  return { schemaVersion: 1, batch: batchId, ...state };
}

/** The exit code of a batch that has ended: 0, or 3 when it did not complete. */
export function endedCode(state: BatchState): number {
  return state.phase === "ended" && state.outcome === "completed" ? EXIT.ok : EXIT.failedRows;
}
