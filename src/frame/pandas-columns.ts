/** What pandas writes of its columns into the metadata of Parquet and Arrow files. */

/** The key it stands under. */
export const PANDAS_KEY = "pandas";

/**
 * The text without what it says of columns with these names: by it pandas gives a column the type that it
 * had, which another one of that name has no more. Text that cannot be read stays as it is.
 */
export function withoutPandasColumns(text: string, names: ReadonlySet<string>): string {
  if (names.size === 0) return text;
  try {
    const said = JSON.parse(text) as { readonly columns: readonly PandasColumn[] };
    const columns = said.columns.filter(
      ({ name, field_name: field }) => !names.has(String(field ?? name)),
    );
    return JSON.stringify({ ...said, columns });
  } catch {
    return text;
  }
}

/** An Arrow schema's metadata without what pandas says there of columns with these names. */
export function withoutPandas(
  metadata: ReadonlyMap<string, string>,
  names: ReadonlySet<string>,
): Map<string, string> {
  return new Map(
    [...metadata].map(([key, text]) => [
      key,
      key === PANDAS_KEY ? withoutPandasColumns(text, names) : text,
    ]),
  );
}

interface PandasColumn {
  readonly name?: unknown;
  readonly field_name?: unknown;
}
