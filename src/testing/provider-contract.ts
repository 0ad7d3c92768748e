/** The promises of every provider of batches. */

import { batchPromises } from "./batch-promises.ts";
import { callPromises } from "./call-promises.ts";
import { createPromises } from "./create-promises.ts";
import { downloadPromises } from "./download-promises.ts";
import { tellPromises, type Runner } from "./runner.ts";
import type { Connect } from "./service.ts";
import { USUAL_TRAITS, type Traits } from "./traits.ts";

/**
 * Tells a test runner what a provider of batches promises: every answer under its own id, every way a
 * batch may end, downloads that are whole, creation that is cut off and made good, keys that are never
 * told. `connect` is called once for each test; `traits` are what differs from OpenAI's way.
 *
 * What the service has no power to try (see {@link Traits.powers}) is told as skipped, with the reason.
 */
export function providerContract(
  runner: Runner,
  name: string,
  connect: Connect,
  traits: Partial<Traits> = {},
): void {
  const all = { ...USUAL_TRAITS, ...traits };
  tellPromises(runner, { title: `${name}, as a provider`, connect, powers: all.powers }, [
    ...batchPromises(all),
    ...downloadPromises(),
    ...createPromises(all),
    ...callPromises(all),
  ]);
}
