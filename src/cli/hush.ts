/** Words of Node's own that a user can do nothing about. */

/**
 * Keeps Node 22 from calling its own SQLite experimental at every start, between our lines. Call it
 * before anything that loads the store is imported; other warnings are left alone.
 */
export function hushSqliteWarning(): void {
  const emit = process.emitWarning.bind(process);
  process.emitWarning = (warning: string | Error, ...rest: unknown[]): void => {
    if (String(warning).startsWith("SQLite is an experimental feature")) return;
    Reflect.apply(emit, process, [warning, ...rest]);
  };
}
