/**
 * Cuts every wait of a program short, and moves its clock on by what was cut. Loaded by tests into the
 * Node processes that run the documentation's examples, which wait as long as a real batch takes.
 */

import { performance } from "node:perf_hooks";
import { syncBuiltinESMExports } from "node:module";
import timers from "node:timers/promises";

const LONGEST_MS = 20;

const realTimeout = timers.setTimeout;
const realNow = performance.now.bind(performance);
let skippedMs = 0;

performance.now = () => realNow() + skippedMs;
timers.setTimeout = async (delayMs, ...rest) => {
  const value = await realTimeout(Math.min(delayMs ?? 0, LONGEST_MS), ...rest);
  skippedMs += Math.max(0, (delayMs ?? 0) - LONGEST_MS);
  return value;
};
syncBuiltinESMExports();
