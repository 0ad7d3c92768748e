/** `batchframe ui`: pages over runs, for a browser on this machine. */

import { findRun } from "../index.ts";
import { servePages } from "../ui/server.ts";
import { EXIT } from "./exit-codes.ts";
import type { LookFlags } from "./flags.ts";
import { interrupted } from "./interrupt.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `ui`. */
export interface UiFlags extends LookFlags {
  readonly port: number;
}

/** Runs the command until it is interrupted, on one run's page or on that of all; gives 0. */
export async function uiCommand(
  ref: string | undefined,
  { port, runDir = ".batchframe" }: UiFlags,
  terminal: Terminal,
): Promise<number> {
  const run = ref === undefined ? null : await findRun(ref, runDir);
  const pages = await servePages({ port, runDir });
  // Who reads the address may stop it at once.
  const stopped = interrupted();
  const url = pages.url(run === null ? "/" : `/run?run=${encodeURIComponent(run.id)}`);
  terminal.data({ schemaVersion: 1, url, pid: process.pid });
  if (!terminal.json)
    terminal.insist(
      `${url}\nOpen it in a browser on this machine. Only who has this address can read it, and only ` +
        "until Ctrl-C.",
    );
  await stopped;
  await pages.close();
  return EXIT.ok;
}
