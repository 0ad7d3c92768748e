/** How long a service asked to be left alone, from the headers of its reply. */

/**
 * The wait in milliseconds that `retry-after-ms` or `retry-after` (seconds or a date) asks for; never
 * negative, undefined where none can be read.
 */
export function retryAfterMs(header: (name: string) => string | null): number | undefined {
  const milliseconds = header("retry-after-ms");
  if (milliseconds !== null && Number.isFinite(Number(milliseconds)))
    return Math.max(0, Number(milliseconds));
  const after = header("retry-after");
  if (after === null) return undefined;
  const waitMs = Number.isFinite(Number(after))
    ? Number(after) * 1000
    : Date.parse(after) - Date.now();
  return Number.isFinite(waitMs) ? Math.max(0, waitMs) : undefined;
}
