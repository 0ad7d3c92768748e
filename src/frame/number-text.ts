/** Numbers as exact text: the shortest digits that read back to the same number, no digit rounded away. */

/**
 * A float as polars prints it, so that a file and a dataframe of the same rows give the same prompts.
 *
 * `1.0`, `0.1`, `1e+16`, `1e-7`, `NaN`, `inf`, `-0.0`. `bits` is the width it is stored in: a 32-bit 0.1
 * is `0.1`, not the sixteen digits of the double next to it. Half-precision floats print as 32-bit ones.
 */
export function floatText(value: number, bits: 16 | 32 | 64): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "inf" : "-inf";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const [mantissa = "", power = "0"] = shortest(value, bits).split("e");
  const exponent = Number(power);
  const sign = value < 0 ? "-" : "";
  const digits = mantissa.replace(/[-.]/g, "");
  const [least, most] = bits === 64 ? [-5, 15] : [-6, 12];
  if (exponent < least || exponent > most) {
    const point = digits.length > 1 ? `${digits.slice(0, 1)}.${digits.slice(1)}` : digits;
    return `${sign}${point}e${exponent < 0 ? "-" : "+"}${Math.abs(exponent)}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}.${digits.slice(exponent + 1) || "0"}`;
}

/** The shortest digits as JavaScript writes exponents: `1.5e+3`. */
function shortest(value: number, bits: 16 | 32 | 64): string {
  if (bits === 64) return value.toExponential();
  // Nine digits name every 32-bit float; most need fewer.
  for (let digits = 1; digits < 9; digits += 1) {
    const text = value.toExponential(digits - 1);
    if (Math.fround(Number(text)) === value) return evenAtTie(value, text, digits);
  }
  return value.toExponential(8);
}

/** Halfway between two such texts JavaScript takes the larger, everyone else the even one. */
function evenAtTie(value: number, text: string, digits: number): string {
  const longer = value.toExponential(digits);
  const isTie = Number(longer) === value && longer.includes("5e");
  const [, before = "", last = "", power = ""] = /^(.*)(\d)(e.*)$/.exec(text) ?? [];
  if (!isTie || Number(last) % 2 === 0) return text;
  const even = `${before}${Number(last) - 1}${power}`;
  return Math.fround(Number(even)) === value ? even : text;
}

/** An unscaled integer with its point put in: `-1.10` for -110 at scale 2; a negative scale adds zeros. */
export function decimalText(unscaled: bigint, scale: number): string {
  if (scale <= 0) return unscaled === 0n ? "0" : `${unscaled}${"0".repeat(-scale)}`;
  const sign = unscaled < 0n ? "-" : "";
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, "0");
  return `${sign}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}

/** Sixteen bytes as `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, in lower case. */
export function uuidText(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join("-");
}

/** The integer that big-endian two's complement bytes stand for; 0 for none. */
export function signedBigEndian(bytes: Uint8Array): bigint {
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return BigInt.asIntN(bytes.length * 8, value);
}
