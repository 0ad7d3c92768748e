/** `--notify`: tells an address or a command how a run ended. */

import { spawn } from "node:child_process";
import { printable } from "./cells.ts";
import type { Terminal } from "./terminal.ts";

/** What is told: what a script may read of the end of a run, and no cell, prompt or key. */
export interface Notice {
  readonly schemaVersion: 1;
  /** Null where it ended before it had one. */
  readonly run: string | null;
  readonly status: string;
  readonly rows?: object;
  readonly failedBy?: object;
  readonly costUsd?: number | null;
  readonly error?: { readonly code: string; readonly message: string };
}

const PATIENCE_MS = 10_000;

/**
 * Posts the notice to a URL as JSON, or runs a command with it on its standard input and the run's id
 * and status in its environment. What goes wrong is said and changes nothing: the run is over.
 */
export async function notify(target: string, notice: Notice, terminal: Terminal): Promise<void> {
  const problem = /^https?:\/\//i.test(target)
    ? await post(target, notice)
    : await execute(target, notice);
  if (problem !== null)
    terminal.insist(`${terminal.colours.warn("warning:")} --notify: ${printable(problem)}`);
}

async function post(url: string, notice: Notice): Promise<string | null> {
  try {
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(notice),
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    // Its path may be a secret, as a webhook's is: only the host is named.
    return answer.ok ? null : `${new URL(url).host} answered ${String(answer.status)}`;
  } catch (error) {
    return `${hostOf(url)} could not be told: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function hostOf(url: string): string {
  return URL.parse(url)?.host ?? "the address";
}

async function execute(command: string, notice: Notice): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const child = spawn(command, {
    shell: true,
    // What it prints is no data of ours.
    stdio: ["pipe", process.stderr, process.stderr],
    env: {
      ...process.env,
      BATCHFRAME_RUN: notice.run ?? "",
      BATCHFRAME_STATUS: notice.status,
    },
  });
  child.once("error", (error) => {
    resolve(error.message);
  });
  child.once("close", (code, signal) => {
    resolve(code === 0 ? null : `the command ended with ${String(code ?? signal)}`);
  });
  // A command that does not read is no fault.
  child.stdin.on("error", () => undefined);
  child.stdin.end(`${JSON.stringify(notice)}\n`);
  return await promise;
}
