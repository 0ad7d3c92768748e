/** What the suite needs of a test runner, and how promises become tests of it. */

import { benchFor, type Bench } from "./bench.ts";
import type { Connect, Power } from "./service.ts";

/** A test that is told to a runner. */
export type Told = (name: string, test: () => Promise<void>) => unknown;

/** Any test runner with these words: vitest, jest, `node:test`, and others. */
export interface Runner {
  readonly describe: (name: string, tests: () => void) => unknown;
  readonly it: Told & { readonly skip: Told };
}

/** Something a provider promises, and how it is tried. */
export interface Promised {
  readonly name: string;
  /** What the service must be able to do for this to be tried at all. */
  readonly needs: readonly Power[];
  /** Rejects where the promise is broken. */
  readonly holds: (bench: Bench) => Promise<void>;
}

/** What promises are tried with. */
export interface Trial {
  readonly title: string;
  readonly connect: Connect;
  readonly powers: readonly Power[];
}

/**
 * Tells a runner one test for each promise. One that the service is not able to try is told as skipped,
 * under a name that says what is missing.
 */
export function tellPromises(runner: Runner, trial: Trial, promises: readonly Promised[]): void {
  const { title, connect, powers } = trial;
  runner.describe(title, () => {
    for (const { name, needs, holds } of promises) {
      const lacking = needs.filter((power) => !powers.includes(power));
      const test = async (): Promise<void> => {
        const bench = await benchFor(connect, powers);
        try {
          await holds(bench);
        } finally {
          await bench.close();
        }
      };
      if (lacking.length === 0) runner.it(name, test);
      else runner.it.skip(`${name} [not tried: the service has no ${lacking.join(", ")}]`, test);
    }
  });
}
