/** Rows of a run on disk by their keys, which are read from its input. */

import type { KeyCheck } from "../core/row-key.ts";
import { openFile } from "../files/files.ts";
import { keyDigest, rowsWithKey, withKeys, type KeyCells } from "../frame/row-keys.ts";
import { readSpec } from "../session/run-spec.ts";
import { readKey } from "../store/key-file.ts";
import { readSqliteRun } from "../store/sqlite-reader.ts";
import { failuresOf, type FailuresHow, type RowFailure } from "./failures.ts";
import { partsOf, type RunStatus } from "./run-status.ts";

/** A failed row and its key. */
export interface NamedFailure extends RowFailure {
  /** The cells of its key; null where the run has none, or its input does not say it any more. */
  readonly key: KeyCells | null;
}

/** The keys of a run's rows. */
export interface RunKeys {
  readonly columns: readonly string[];
  /** Whether the input has the keys it had when the run was planned, so that rows are what they were. */
  readonly isSame: boolean;
  /** The first row with a key, counted from 0, and how many have it; null where none has. */
  find(cells: KeyCells): Promise<{ readonly row: number; readonly count: number } | null>;
  /** Gives each row its key. */
  name<R extends { readonly row: number }>(
    rows: AsyncIterable<R>,
  ): AsyncIterable<R & { readonly key: KeyCells | null }>;
}

/**
 * The keys of a run over a file, which it reads once to see that they are what they were; null where the
 * run has none, or its rows are in memory alone or pieces of texts.
 *
 * @throws {InputError} where the input cannot be read.
 */
export async function keysOf(run: RunStatus): Promise<RunKeys | null> {
  const check = keyOf(run);
  if (check === null || run.input === null) return null;
  const { columns, digest } = check;
  const frame = await openFile(run.input, run.reading);
  const isThere = columns.every((name) => frame.columns.includes(name));
  const isSame = isThere && (await keyDigest(frame, columns)) === digest;
  return {
    columns,
    isSame,
    find: (cells) => rowsWithKey(frame, columns, cells),
    name: (rows) => withKeys(rows, frame, columns),
  };
}

/** The columns of a run's key; empty where it has none that its rows could be named by. */
export function keyNamesOf(run: RunStatus): readonly string[] {
  return run.input === null ? [] : (keyOf(run)?.columns ?? []);
}

function keyOf(run: RunStatus): KeyCheck | null {
  const [part] = partsOf(run);
  // What is planned there are pieces of rows.
  if (part !== undefined && readSpec(readSqliteRun(part.directory).run).long?.onLong === "chunk")
    return null;
  return readKey(run.directory);
}

/** The rows of {@link failuresOf} with their keys, which are read only where rows have failed. */
export async function* namedFailuresOf(
  run: RunStatus,
  how: FailuresHow = {},
): AsyncGenerator<NamedFailure> {
  const failures = failuresOf(run, how);
  const first = await failures.next();
  if (first.done === true) return;
  const rows = (async function* () {
    yield first.value;
    yield* failures;
  })();
  // Failed rows are told though their input is gone.
  const keys = await keysOf(run).catch(() => null);
  if (keys?.isSame === true) yield* keys.name(rows);
  else for await (const failure of rows) yield { ...failure, key: null };
}
