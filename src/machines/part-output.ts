/** A part's output: written on this machine, copied to a key that is used once, and then referred to. */

import type { Json } from "../core/hash.ts";
import type { Receipt } from "../core/receipt.ts";
import { StoreError } from "../core/errors.ts";
import { replacesExisting } from "../core/existing.ts";
import { NOTHING_TOLD, outputHow, withNotes } from "../files/file-output.ts";
import { writeFileFrame } from "../files/files.ts";
import { rowKeeper } from "../files/kept-rows.ts";
import type { Session } from "../session/session.ts";
import type { Objects } from "../store/objects.ts";
import type { Dataset } from "../store/postgres-datasets.ts";
import { finishPart, type Part } from "../store/postgres-parts.ts";
import type { SharedStore } from "../store/postgres.ts";
import { withBadRows } from "../session/text-warnings.ts";
import type { DatasetSpec } from "./dataset-spec.ts";
import { nameOf, type PartFrame } from "./part-frame.ts";
import { writeFolder } from "./part-writes.ts";
import { openPlace } from "./places.ts";

/** A part that is held, and all that its output is made of. */
export interface PartToWrite {
  readonly part: Part;
  readonly dataset: Dataset;
  readonly spec: DatasetSpec;
  readonly frame: PartFrame;
  readonly session: Session;
  readonly store: SharedStore;
}

/** A part that is written, and whether it was the last of its run. */
export interface WrittenPart {
  readonly receipt: Receipt;
  readonly endsRun: boolean;
}

/**
 * Writes a part's output and notes that the part is done. What a killed worker has written of it below `writes` is
 * gone on with.
 *
 * The key holds the run's token and the number of the lease, so that nobody else ever writes it: a
 * worker that stood still between its last look at the lease and the copying leaves an object that
 * nothing refers to, and removes it when it finds out.
 *
 * @throws {StoreError} `lock_lost` when another worker has taken the part over.
 */
export async function writePart(held: PartToWrite, writes: string): Promise<WrittenPart> {
  const { part, dataset, frame, session, store, spec } = held;
  const { token } = await store.run();
  const key = outputKey(part.output, token, store.fence);
  const output = openPlace(dataset.output);
  const own = { run: part.run, token, fence: store.fence };
  const folder = await writeFolder(writes, own, nameOf(key));
  let noted = NOTHING_TOLD;
  try {
    const receipt = await session.complete(async (columns, cells, resume) => {
      const keeper =
        spec.run.keep === null ? null : rowKeeper(spec.run.column, columns, spec.run.keep);
      const done = await writeFileFrame({
        ...outputHow(spec.run.writing),
        input: await frame.file(),
        output: folder.path,
        columns,
        cells,
        ...(resume === undefined ? {} : { resume: { ...resume, journal: folder.journal } }),
        replaces: replacesExisting(spec.run.existing ?? undefined),
        ...(keeper === null ? {} : { keeper }),
      }).catch(async (error: unknown) => {
        // Who has lost the lease may find its folder gone, which says nothing of the part.
        throw (await store.holdsLock()) ? error : takenOver(part);
      });
      noted = done;
      if (!(await store.holdsLock())) throw takenOver(part);
      await output.put(key, folder.path);
      const written = { output: key, neutralisedCells: done.neutralisedCells };
      return keeper === null ? written : { ...written, kept: keeper.counts() };
    });
    const told = withNotes(receipt, noted);
    const whole = await withBadRows(told, await frame.file(), spec.run.reading.onBadRow);
    const endsRun = await referred(held, { key, receipt: whole, output });
    return { receipt: whole, endsRun };
  } finally {
    await folder[Symbol.asyncDispose]();
    await output[Symbol.asyncDispose]();
  }
}

interface Referred {
  readonly key: string;
  readonly receipt: Receipt;
  readonly output: Objects;
}

/** Lets the part's output be this object from now on, and removes those of leases before. */
async function referred(
  { part, store }: PartToWrite,
  { key, receipt, output }: Referred,
): Promise<boolean> {
  let endsRun: boolean;
  try {
    endsRun = await store.guarded((connection) =>
      finishPart(connection, part, { written: key, receipt: receipt as unknown as Json }),
    );
  } catch (error) {
    if (error instanceof StoreError && error.code === "lock_lost") await output.remove([key]);
    throw error;
  }
  // What nothing refers to is only in the way: that it cannot be removed now stops nothing.
  await removeEarlier(part, store, output).catch(() => undefined);
  return endsRun;
}

/** Removes what was written under earlier leases; never of a later one, whose worker knows better. */
async function removeEarlier(
  { output: name }: Part,
  store: SharedStore,
  output: Objects,
): Promise<void> {
  const stem = outputStem(name, (await store.run()).token);
  const mine = (await output.list(stem)).map(({ key }) => key);
  const fenceOf = (key: string): number => Number.parseInt(key.slice(stem.length), 10);
  await output.remove(mine.filter((key) => fenceOf(key) < store.fence));
}

/** `part-00001.csv` as it is called when a run with this token writes it under a lease: `part-00001-token-3.csv`. */
function outputKey(name: string, token: string, fence: number): string {
  const { ending } = splitName(name);
  return `${outputStem(name, token)}${String(fence)}${ending}`;
}

function outputStem(name: string, token: string): string {
  return `${splitName(name).stem}-${token}-`;
}

function splitName(name: string): { readonly stem: string; readonly ending: string } {
  const at = name.indexOf(".");
  return { stem: name.slice(0, at), ending: name.slice(at) };
}

function takenOver({ run }: Part): StoreError {
  return new StoreError(
    "lock_lost",
    `Another worker has taken over ${run}, so this one did not write its output.`,
    { hint: "See how it goes with: batchframe status --state" },
  );
}
