/** The check that what is given as faults makes sense. */
import { InputError } from "../core/errors.ts";
import { isJsonObject } from "./json.ts";
import type { Faults } from "./faults.ts";

type Check = (value: unknown) => boolean;

const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isNotNegative: Check = (value) => isNumber(value) && Number(value) >= 0;
const isShare: Check = (value) => isNumber(value) && Number(value) >= 0 && Number(value) <= 1;
const isCount: Check = (value) => Number.isSafeInteger(value) && Number(value) >= 0;
const isText: Check = (value) => typeof value === "string";
const isTruth: Check = (value) => typeof value === "boolean";
const isTexts: Check = (value) => Array.isArray(value) && value.every(isText);
const oneOf =
  (...allowed: readonly string[]): Check =>
  (value) =>
    typeof value === "string" && allowed.includes(value);

const PLAIN = { rate: isShare, count: isCount };
const ROW = { ...PLAIN, customIds: isTexts, containing: isText };
const CALL = { ...PLAIN, routes: isTexts };

const DOSES: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  dropRows: ROW,
  duplicateRows: { ...ROW, otherAnswer: isTruth },
  failRows: { ...ROW, status: isCount },
  truncateRows: ROW,
  refuseRows: ROW,
  contentFilterRows: ROW,
  unknownIds: ROW,
  invalidJsonRows: ROW,
  wrongShapeRows: ROW,
  fencedRows: ROW,
  duplicateKeyRows: ROW,
  deepRows: ROW,
  hugeRows: { ...ROW, bytes: isCount },
  nullContentRows: ROW,
  expireRows: ROW,
  malformedLine: ROW,
  noUsage: ROW,
  unicodeSeparators: ROW,
  nulRows: ROW,
  longRows: { ...ROW, bytes: isCount },
  bom: PLAIN,
  crlf: PLAIN,
  blankLines: PLAIN,
  cutDownload: { ...PLAIN, how: oneOf("destroy", "shortLength") },
  wrongContentLength: PLAIN,
  slowDownload: { ...PLAIN, ms: isNotNegative },
  error429: { ...CALL, retryAfterSeconds: isNotNegative, retryAfterMs: isNotNegative },
  error500: { ...CALL, shouldRetry: isTruth },
  dropConnection: CALL,
  dropReply: CALL,
  createAcceptedThenCut: PLAIN,
  createAcceptedThen500: PLAIN,
  uploadAcceptedThenCut: PLAIN,
  notFoundFlicker: PLAIN,
  expireAfterRows: { ...PLAIN, fraction: isShare },
  failValidation: { ...PLAIN, code: isText, message: isText },
  stuck: PLAIN,
  stuckValidating: PLAIN,
  emptyOutput: { ...PLAIN, how: oneOf("noFile", "emptyFile") },
  outputIdEmptyString: PLAIN,
  cancelTooLate: PLAIN,
  dropInlineMetadata: PLAIN,
  shuffleInline: PLAIN,
};

const SETTINGS: Readonly<Record<string, Check>> = {
  delayMs: isNotNegative,
  listLagMs: isNotNegative,
  clockSkewMs: isNumber,
  modelSnapshot: isText,
  cancelKeeps: isTruth,
  listNeedsPageSize: isTruth,
};

/**
 * The faults in `given`, checked.
 *
 * Throws `InputError` (`emulator_faults`) for an unknown name, a rate outside 0 to 1, or a detail
 * the fault does not have: a misspelt fault would otherwise make a test pass by doing nothing.
 */
export function checkedFaults(given: unknown): Faults {
  if (!isJsonObject(given)) throw refused("Faults must be an object.");
  for (const [name, value] of Object.entries(given)) {
    const setting = SETTINGS[name];
    if (setting !== undefined) {
      if (!setting(value)) throw refused(`The fault ${name} cannot be ${JSON.stringify(value)}.`);
    } else checkDose(name, value);
  }
  return given;
}

function checkDose(name: string, value: unknown): void {
  const details = DOSES[name];
  if (details === undefined) throw refused(`There is no fault named ${name}.`);
  if (isShare(value)) return;
  if (!isJsonObject(value)) {
    throw refused(
      `The fault ${name} needs a rate from 0 to 1 or an object, not ${JSON.stringify(value)}.`,
    );
  }
  for (const [detail, inner] of Object.entries(value)) {
    const check = details[detail];
    if (check === undefined) throw refused(`The fault ${name} has no detail named ${detail}.`);
    if (!check(inner)) throw refused(`${name}.${detail} cannot be ${JSON.stringify(inner)}.`);
  }
}

function refused(message: string): InputError {
  const names = [...Object.keys(DOSES), ...Object.keys(SETTINGS)].sort().join(", ");
  return new InputError("emulator_faults", `${message} Nothing was changed.`, {
    hint: `The faults are: ${names}.`,
  });
}
