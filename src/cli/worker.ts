/** `batchframe worker` and `batchframe migrate`: what runs on each of many machines. */

import {
  InputError,
  logLine,
  migrateState,
  openState,
  runWorker,
  serveWorkerHealth,
  stateAddress,
} from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import { onInterrupt } from "./interrupt.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";

/** Flags of commands that may be about runs of many machines. */
export interface StateFlags {
  /** The address, or true where `BATCHFRAME_STATE` says it. */
  readonly state?: string | true;
}

/** Flags of `worker`; the lease is in milliseconds. */
export interface WorkerFlags extends TerminalFlags, StateFlags {
  readonly concurrency?: number;
  readonly lease?: number;
  readonly healthPort?: number;
}

/** The address of the shared state. @throws {InputError} `state_missing`, `state_password` */
export function neededState({ state }: StateFlags): string {
  const address = stateAddress(state === true ? undefined : state, process.env);
  if (address !== null) return address;
  throw new InputError(
    "state_missing",
    "The address of the shared state is not known. Nothing was sent.",
    {
      hint: "Give it with --state postgres://host/database, or set BATCHFRAME_STATE.",
    },
  );
}

/** Runs a worker until it is asked to end; its log goes to standard error, a line of JSON for each event. */
export async function workerCommand(flags: WorkerFlags): Promise<number> {
  const { lease } = flags;
  const state = await openState(neededState(flags), lease === undefined ? {} : { leaseMs: lease });
  const stop = new AbortController();
  const forget = onInterrupt(() => {
    stop.abort();
  });
  const health =
    flags.healthPort === undefined
      ? null
      : await serveWorkerHealth({ port: flags.healthPort, database: state.database });
  try {
    await runWorker(state, {
      ...(flags.concurrency === undefined ? {} : { concurrency: flags.concurrency }),
      ...(lease === undefined ? {} : { leaseMs: lease }),
      signal: stop.signal,
      onEvent: (event) => {
        health?.noted(event);
        process.stderr.write(`${logLine(event, Date.now())}\n`);
      },
    });
  } finally {
    forget();
    await health?.close();
    await state[Symbol.asyncDispose]();
  }
  return EXIT.ok;
}

/** Makes or updates the tables of the shared state; gives the exit code. */
export async function migrateCommand(
  flags: TerminalFlags & StateFlags,
  terminal: Terminal,
): Promise<number> {
  const { name, before, version } = await migrateState(neededState(flags));
  terminal.data({ schemaVersion: 1, state: name, before, version });
  terminal.say(
    before === version
      ? `The tables of ${name} are up to date (version ${String(version)}).`
      : `The tables of ${name} were brought from version ${String(before)} to ${String(version)}.`,
  );
  return EXIT.ok;
}
