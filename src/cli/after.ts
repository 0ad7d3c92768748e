/** What is done once a run has ended: its failed rows written to a file, and word sent of it. */

import {
  BatchframeError,
  checkFailuresFile,
  findRun,
  writeFailures,
  type Receipt,
} from "../index.ts";
import { counted } from "./format.ts";
import { line } from "./head-text.ts";
import { notify, type Notice } from "./notify.ts";
import { shortPath } from "./paths.ts";
import type { Terminal } from "./terminal.ts";

/** Flags that say what is done at the end. */
export interface AfterFlags {
  readonly failuresTo?: string;
  /** A URL, or a command. */
  readonly notify?: string;
}

/** The flags among others that say what is done at the end. */
export function afterOf({ failuresTo, notify }: AfterFlags): AfterFlags {
  return {
    ...(failuresTo === undefined ? {} : { failuresTo }),
    ...(notify === undefined ? {} : { notify }),
  };
}

/** Refuses what could not be done at the end, before anything is sent. @throws {InputError} what {@link checkFailuresFile} throws. */
export async function checkAfter({ failuresTo }: AfterFlags, input: string): Promise<void> {
  if (failuresTo !== undefined) await checkFailuresFile(failuresTo, input === "" ? null : input);
}

/** A run that was followed. */
interface FollowedRun {
  readonly run: string;
  readonly runDir: string | undefined;
  /** Null where it was left before its end. */
  readonly receipt: Receipt | null;
}

/** Does what the flags say, failed rows first. @throws {InputError} what {@link writeFailures} throws. */
export async function doAfter(
  flags: AfterFlags,
  { run, runDir, receipt }: FollowedRun,
  terminal: Terminal,
): Promise<void> {
  if (flags.failuresTo !== undefined && receipt !== null) {
    const rows = await writeFailures(await findRun(run, runDir), flags.failuresTo);
    const told = `${shortPath(flags.failuresTo)} · ${counted(rows, "failed row")}`;
    terminal.say(line("failures", told, terminal));
  }
  if (flags.notify === undefined) return;
  await notify(flags.notify, noticeOf(run, receipt), terminal);
}

function noticeOf(run: string, receipt: Receipt | null): Notice {
  if (receipt === null) return { schemaVersion: 1, run, status: "interrupted" };
  const { rows, failedBy, costUsd } = receipt;
  const status = rows.failed > 0 ? "finished_with_failures" : "finished";
  return { schemaVersion: 1, run, status, rows, failedBy, costUsd };
}

/** Sends word of a run that stopped with an error. */
export async function tellError(
  { notify: target }: AfterFlags,
  error: unknown,
  terminal: Terminal,
): Promise<void> {
  if (target === undefined) return;
  const code = error instanceof BatchframeError ? error.code : "unexpected";
  const message = error instanceof Error ? error.message : String(error);
  await notify(
    target,
    { schemaVersion: 1, run: null, status: "error", error: { code, message } },
    terminal,
  );
}
