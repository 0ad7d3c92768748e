/** Numbers, shares and times as people read them. */

const NUMBERS = new Intl.NumberFormat("en-GB");

/** A count with thousands separators: `12,480`. */
export function count(value: number): string {
  return NUMBERS.format(value);
}

/** A count and its noun, in the plural unless it is 1: `1 row`, `12,480 rows`. */
export function counted(value: number, noun: string, plural = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : plural}`;
}

/** A part of a whole in per cent, `39.8 %`; `0.0 %` of nothing. */
export function percent(part: number, whole: number): string {
  return `${(whole === 0 ? 0 : (100 * part) / whole).toFixed(1)} %`;
}

const EIGHTHS = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

/** A bar of at most `width` cells for a share between 0 and 1; a share above 0 always shows. */
export function bar(share: number, width: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const visible = share > 0 ? Math.max(1, eighths) : 0;
  return "█".repeat(Math.floor(visible / 8)) + (EIGHTHS[visible % 8] ?? "");
}

/** A span of time in its two largest units: `4 s`, `2 min 5 s`, `3 h 20 min`, `2 d 4 h`. */
export function span(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) return `${String(seconds)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return joined(minutes, "min", seconds % 60, "s");
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return joined(hours, "h", minutes % 60, "min");
  return joined(Math.floor(hours / 24), "d", hours % 24, "h");
}

function joined(large: number, largeUnit: string, small: number, smallUnit: string): string {
  const rest = small === 0 ? "" : ` ${String(small)} ${smallUnit}`;
  return `${String(large)} ${largeUnit}${rest}`;
}

/** How long ago a moment was, in its largest unit: `4 min ago`. */
export function ago(moment: Date, now = Date.now()): string {
  const [number = "", unit = ""] = span(now - moment.getTime()).split(" ");
  return `${number} ${unit} ago`;
}

/** Dollars to the cent, `$1.25`; below a cent with two digits that count, `$0.0012`. */
export function dollarsText(usd: number): string {
  const digits = usd > 0 && usd < 0.01 ? 1 - Math.floor(Math.log10(usd)) : 2;
  return `$${usd.toFixed(Math.min(12, digits))}`;
}

/** A size in megabytes, `12.4 MB`, or in kilobytes below one. */
export function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

const UNITS = [
  { name: "s", ms: 1000, upToMs: 90_000 },
  { name: "min", ms: 60_000, upToMs: 90 * 60_000 },
  { name: "h", ms: 3_600_000, upToMs: 36 * 3_600_000 },
  { name: "d", ms: 86_400_000, upToMs: Number.POSITIVE_INFINITY },
] as const;

/** A span that lies between two, in the unit that suits the longer: `about 10–25 min left`, `up to 2 h left`. */
export function timeLeftText(lowMs: number, highMs: number): string {
  const unit = UNITS.find(({ upToMs }) => highMs < upToMs) ?? UNITS[3];
  const [low, high] = [Math.floor(lowMs / unit.ms), Math.max(1, Math.ceil(highMs / unit.ms))];
  if (low === 0) return `up to ${count(high)} ${unit.name} left`;
  return `about ${low === high ? "" : `${count(low)}–`}${count(high)} ${unit.name} left`;
}
