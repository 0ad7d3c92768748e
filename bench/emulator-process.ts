/** The emulator in a process of its own, so that its processors' time and memory can be told from its clients'. */

import { fork } from "node:child_process";
import { once } from "node:events";
import { startEmulator, type EmulatorUrls } from "../src/emulator/emulator.ts";

/** What the emulator has used since it was started. */
export interface EmulatorUse {
  readonly cpuSeconds: number;
  readonly peakMB: number;
  /** Requests answered, in batches and live. */
  readonly answered: number;
  readonly failed: number;
}

/** A running emulator, somewhere else. */
export interface EmulatorProcess {
  readonly urls: EmulatorUrls;
  use(): Promise<EmulatorUse>;
  close(): Promise<void>;
}

const MARK = "--emulator";

/** Starts an emulator without any delay, and resolves when it listens. */
export async function emulatorProcess(): Promise<EmulatorProcess> {
  const child = fork(import.meta.filename, [MARK]);
  const [urls] = (await once(child, "message")) as [EmulatorUrls];
  return {
    urls,
    async use() {
      child.send("use");
      const [use] = (await once(child, "message")) as [EmulatorUse];
      return use;
    },
    async close() {
      if (child.exitCode !== null) return;
      child.disconnect();
      await once(child, "exit");
    },
  };
}

if (process.argv[2] === MARK) {
  const none = { validatingMs: 0, runMs: 0, finalizingMs: 0 };
  const emulator = await startEmulator({ seed: 1, ...none });
  process.on("message", () => {
    const { user, system } = process.cpuUsage();
    const { rowsExecuted, liveCalls, rowsFailed } = emulator.stats();
    const use: EmulatorUse = {
      cpuSeconds: (user + system) / 1e6,
      peakMB: process.resourceUsage().maxRSS / 1024,
      answered: rowsExecuted + liveCalls,
      failed: rowsFailed,
    };
    process.send?.(use);
  });
  process.on("disconnect", () => {
    void emulator.close();
  });
  process.send?.(emulator.urls);
}
