/** The promises of every realtime lane. */

import assert from "node:assert/strict";
import { livePromises } from "./live-promises.ts";
import { tellPromises, type Runner } from "./runner.ts";
import { EVERY_POWER, type Connect, type Line, type Power } from "./service.ts";

/**
 * Tells a test runner what the realtime lane of a provider promises: every row answered once under its
 * own id, crowds and failures waited out, keys that are never told. `connect` is called once for each
 * test and gives a provider that has a `live`, or is asked live anyway.
 */
export function realtimeContract(
  runner: Runner,
  name: string,
  connect: Connect,
  powers: readonly Power[] = EVERY_POWER,
): void {
  const inRealtime: Connect = async (options) => asRealtime(await connect(options));
  tellPromises(runner, { title: `${name}, in realtime`, connect: inRealtime, powers }, [
    ...livePromises(),
  ]);
}

function asRealtime(line: Line): Line {
  const { provider } = line;
  const live = provider.asksLive === true ? provider : provider.live;
  assert(live !== undefined, `${provider.id} has no realtime lane.`);
  assert.deepEqual([live.id, live.host], [provider.id, provider.host]);
  // The lane is closed with its provider.
  return { ...line, provider: { ...live, close: () => provider.close() } };
}
