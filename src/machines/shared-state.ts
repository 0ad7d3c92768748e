/** The state that machines share: a database for the truth, and a post for ticks in the same one. */

import { InputError } from "../core/errors.ts";
import { openPostgres, type Database } from "../store/postgres-client.ts";
import { DEFAULT_LEASE_MS } from "../store/postgres-lease.ts";
import { migratePostgres, STATE_VERSION } from "../store/postgres-schema.ts";
import { openTicks, type Ticks } from "../store/ticks.ts";

/** The state, open. */
export interface SharedState extends AsyncDisposable {
  readonly database: Database;
  readonly ticks: Ticks;
}

/** How the state is opened. */
export interface StateOptions {
  /** How long a silent worker keeps its parts; a minute when left out. */
  readonly leaseMs?: number;
  /** Told what went wrong with the post for ticks, which tries again by itself. */
  readonly onTrouble?: (error: Error) => void;
}

/**
 * Opens the state at an address, making or updating its tables.
 *
 * @throws {InputError} `package_missing`, `state_invalid`. @throws {StoreError} `state_unreachable`,
 * `state_refused`, `store_version`.
 */
export async function openState(url: string, options: StateOptions = {}): Promise<SharedState> {
  const { leaseMs = DEFAULT_LEASE_MS, onTrouble = () => undefined } = options;
  // A worker that is frozen must not keep its locks in the database for longer than its parts.
  const database = await openPostgres(url, { idleMs: Math.ceil(leaseMs / 3) });
  try {
    await migratePostgres(database);
    const ticks = await openTicks(url, { onTrouble });
    return {
      database,
      ticks,
      [Symbol.asyncDispose]: async () => {
        await ticks[Symbol.asyncDispose]();
        await database[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await database[Symbol.asyncDispose]();
    throw error;
  }
}

/**
 * The address of the state from a flag, else from `BATCHFRAME_STATE`; null where neither says one.
 *
 * @throws {InputError} `state_password` for a flag that holds a password, which other users of the
 * machine could read in its list of processes.
 */
export function stateAddress(
  flag: string | undefined,
  environment: Readonly<Record<string, string | undefined>>,
): string | null {
  if (flag === undefined) return environment["BATCHFRAME_STATE"] ?? null;
  if ((URL.parse(flag)?.password ?? "") === "") return flag;
  throw new InputError(
    "state_password",
    "The address given with --state holds a password, which every user of this machine could read. Nothing was sent.",
    {
      hint: "Leave it out there and set PGPASSWORD, or set BATCHFRAME_STATE to the whole address.",
    },
  );
}

/**
 * Makes or updates the tables of the state at an address; gives its name and the versions before and after.
 *
 * @throws {InputError} `package_missing`, `state_invalid`. @throws {StoreError} as {@link openState} does.
 */
export async function migrateState(
  url: string,
): Promise<{ readonly name: string; readonly before: number; readonly version: number }> {
  const database = await openPostgres(url);
  try {
    const before = await migratePostgres(database);
    await (await openTicks(url, { onTrouble: () => undefined }))[Symbol.asyncDispose]();
    return { name: database.name, before, version: STATE_VERSION };
  } finally {
    await database[Symbol.asyncDispose]();
  }
}
