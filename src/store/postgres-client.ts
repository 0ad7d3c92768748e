/** PostgreSQL through the `pg` library, an optional companion that is loaded when first needed. */

import { createRequire } from "node:module";
import type { SQLOutputValue } from "node:sqlite";
import type * as Library from "pg";
import { InputError, StoreError } from "../core/errors.ts";
import { assertPackage, type PackageNeed } from "../core/needed-package.ts";

const PACKAGE = "pg";

/** A row as it comes back: 64-bit integers as numbers, bytes as bytes. */
export type DatabaseRow = Readonly<Record<string, SQLOutputValue>>;

/** Something that answers statements: a pool, or the one connection of a transaction. */
export interface Queryable {
  /** Runs one statement with `$1` and so on for the values; gives the rows it returns. */
  rows(statement: string, values?: readonly unknown[]): Promise<readonly DatabaseRow[]>;
  /** Runs one statement; gives how many rows it changed. */
  change(statement: string, values?: readonly unknown[]): Promise<number>;
}

/** A PostgreSQL database: connections are opened when needed, and again after they were lost. */
export interface Database extends Queryable, AsyncDisposable {
  /** Does work in one transaction, whole or not at all. Not repeated: whether a commit whose answer was lost took place is for the caller to look up. */
  transaction<T>(work: (connection: Queryable) => Promise<T>): Promise<T>;
  /** The address without user and password, for people. */
  readonly name: string;
}

/**
 * Checks that the library is there, without loading it.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export function assertPostgresLibrary(
  resolve: PackageNeed["resolve"] = createRequire(import.meta.url).resolve,
): void {
  assertPackage(PACKAGE, {
    what: "Runs that many machines share are kept in PostgreSQL",
    install: `${PACKAGE} pg-boss`,
    resolve,
  });
}

/** How a database is connected to. */
export interface PostgresOptions {
  /** How long a transaction may stand still before the database ends it; 20 s when left out. */
  readonly idleMs?: number;
}

/**
 * A database by its address, `postgres://host/name`. What the address leaves out comes from the
 * environment (`PGUSER`, `PGPASSWORD` and the like). Nothing is connected to yet.
 *
 * @throws {InputError} `package_missing`, `state_invalid` for an address that is none.
 */
export async function openPostgres(
  url: string,
  { idleMs = IDLE_IN_TRANSACTION_MS }: PostgresOptions = {},
): Promise<Database> {
  const name = nameOf(url);
  assertPostgresLibrary();
  const { default: pg } = await import("pg");
  // As SQLite gives them: times and counts fit a number, and their texts would not compare.
  const types = new pg.TypeOverrides();
  types.setTypeParser(pg.types.builtins.INT8, Number);
  const pool = new pg.Pool({
    connectionString: url,
    max: CONNECTIONS,
    types,
    connectionTimeoutMillis: CONNECT_MS,
    // A worker that is frozen inside a transaction must not keep its locks for longer than a lease.
    idle_in_transaction_session_timeout: idleMs,
    // Nor one after the other: what a frozen worker's other transactions wait for would become theirs for as
    // long again. Those that wait fall off before the one that holds.
    lock_timeout: Math.ceil((idleMs * 3) / 4),
    application_name: "batchframe",
  });
  // A connection that is lost while it rests is replaced; unheard, the event would end the process.
  pool.on("error", () => undefined);
  return {
    ...queryable(pool, name),
    name,
    transaction: (work) => transaction(pool, name, work),
    [Symbol.asyncDispose]: () => pool.end(),
  };
}

const CONNECTIONS = 8;
const CONNECT_MS = 10_000;
const IDLE_IN_TRANSACTION_MS = 20_000;

function nameOf(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null || !/^postgres(ql)?:$/.test(parsed.protocol))
    throw new InputError(
      "state_invalid",
      "The address of the shared state is not one of PostgreSQL. Nothing was sent.",
      { hint: "Give it as postgres://host:port/database, and the password as PGPASSWORD." },
    );
  return `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
}

function queryable(client: Library.Pool | Library.PoolClient, name: string): Queryable {
  const run = (statement: string, values: readonly unknown[]) =>
    client.query<Record<string, SQLOutputValue>>(statement, [...values]).catch((error: unknown) => {
      throw postgresError(error, name);
    });
  return {
    rows: async (statement, values = []) => (await run(statement, values)).rows,
    change: async (statement, values = []) => (await run(statement, values)).rowCount ?? 0,
  };
}

async function transaction<T>(
  pool: Library.Pool,
  name: string,
  work: (connection: Queryable) => Promise<T>,
): Promise<T> {
  const client = await pool.connect().catch((error: unknown) => {
    throw postgresError(error, name);
  });
  let broken: Error | undefined;
  // Unheard, the loss of a connection that is lent out would end the process.
  const onError = (error: Error): void => {
    broken = error;
  };
  client.on("error", onError);
  try {
    const connection = queryable(client, name);
    await connection.change("begin");
    const result = await work(connection);
    await connection.change("commit");
    return result;
  } catch (error) {
    await client.query("rollback").catch((lost: unknown) => {
      broken = lost instanceof Error ? lost : new Error("rollback failed");
    });
    throw error;
  } finally {
    client.removeListener("error", onError);
    client.release(broken);
  }
}

/** What PostgreSQL or the way to it throws, as a {@link StoreError} without a password; anything else as it is. */
function postgresError(error: unknown, name: string): unknown {
  if (!(error instanceof Error)) return error;
  const code = "code" in error && typeof error.code === "string" ? error.code : "";
  if (code === "42P01" || code === "3F000" || code === "42703")
    return new StoreError(
      "state_not_migrated",
      `${name} does not hold batchframe's tables, or those of an older version. Nothing was sent.`,
      { hint: "Run: batchframe migrate --state with the same address.", cause: error },
    );
  if (/^(28|3D)/.test(code))
    return new StoreError("state_refused", `${name} refuses: ${error.message}. Nothing was sent.`, {
      hint: "Check the address, and user and password in PGUSER and PGPASSWORD.",
      cause: error,
    });
  if (code === LOCK_TIMEOUT)
    return new StoreError(
      "state_busy",
      `Another connection to ${name} keeps what this one waited for: a worker there stands still, or is stopped. What was recorded is kept.`,
      { hint: "Workers try again by themselves; any other command may be repeated.", cause: error },
    );
  if (isUnreachable(code, error))
    return new StoreError(
      "state_unreachable",
      `${name} cannot be reached (${error.message}). What was recorded is kept.`,
      { hint: "Workers wait and try again; any other command may be repeated.", cause: error },
    );
  return error;
}

const LOCK_TIMEOUT = "55P03";

// Shut down, crashed, starting up, too many connections, timed out while idle, disk full; and what sockets say.
const UNREACHABLE =
  /^(08|57P|53|25P03|40001|40P01|ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/;

function isUnreachable(code: string, error: Error): boolean {
  return (
    UNREACHABLE.test(code) ||
    /connection terminated|timeout exceeded when trying to connect|not queryable|client has encountered/i.test(
      error.message,
    )
  );
}
