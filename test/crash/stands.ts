/** Stands that are closed, with every child that is left, when the tests of a file have ended. */

import { afterAll } from "vitest";
import { newStand, type Stand, type StandShape } from "./stand.ts";

const open: Stand[] = [];

afterAll(async () => {
  for (const one of open) await one.close();
});

/** The same stand, closed in the end. */
export function kept(one: Stand): Stand {
  open.push(one);
  return one;
}

/** A fresh stand: nothing has run yet. */
export async function stand(shape?: StandShape): Promise<Stand> {
  return kept(await newStand(shape));
}
