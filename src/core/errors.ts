/** The exceptions that stop a run. What goes wrong with a single row is data, never one of these. */

/** What every batchframe exception carries besides its message. */
export interface ErrorDetails {
  /** The next thing to do, as a sentence or a command line. */
  readonly hint?: string;
  /** What was caught, kept for the curious; never printed by default. */
  readonly cause?: unknown;
}

/**
 * The base of every exception batchframe throws on purpose.
 *
 * `code` is stable and listed in docs/errors.md; `message` says what happened, where, and whether
 * money was spent; `hint` says what to do next. Anything thrown that is not a `BatchframeError`
 * is a defect of batchframe itself.
 */
export class BatchframeError extends Error {
  override readonly name: string = "BatchframeError";
  readonly code: string;
  readonly hint: string | undefined;

  constructor(code: string, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.code = code;
    this.hint = details.hint;
  }
}

/** Something the caller gave cannot be used: a file, a column, a template, an option. Nothing was sent or bought. */
export class InputError extends BatchframeError {
  override readonly name = "InputError";
}

/** How a provider's refusal or silence is to be read. */
export interface ProviderErrorDetails extends ErrorDetails {
  /** The HTTP status that was answered; absent when no answer came. */
  readonly httpStatus?: number;
  /** True when the same call may succeed later, unchanged. */
  readonly retryable?: boolean;
  /** How long the provider asked to be left alone, in milliseconds. */
  readonly retryAfterMs?: number;
  /** True when no connection came about, so that nothing can have been sent by this call. */
  readonly neverConnected?: boolean;
}

/**
 * A provider refused a call, or did not answer it.
 *
 * `auth` codes are final until the key changes; `retryable` says whether the same call may succeed
 * later. The message never holds a key.
 */
export class ProviderError extends BatchframeError {
  override readonly name = "ProviderError";
  readonly httpStatus: number | undefined;
  readonly retryable: boolean;
  readonly retryAfterMs: number | undefined;
  readonly neverConnected: boolean;

  constructor(code: string, message: string, details: ProviderErrorDetails = {}) {
    super(code, message, details);
    this.httpStatus = details.httpStatus;
    this.retryable = details.retryable ?? false;
    this.retryAfterMs = details.retryAfterMs;
    this.neverConnected = details.neverConnected ?? false;
  }
}

/** The run has reached a limit it was given, of money or of failures. What was bought is kept; the run can be resumed. */
export class BudgetError extends BatchframeError {
  override readonly name = "BudgetError";
}

/** The run's memory cannot be read, written or taken over. */
export class StoreError extends BatchframeError {
  override readonly name = "StoreError";
}

/** batchframe broke one of its own promises and stopped before doing harm. Always a defect worth reporting. */
export class InvariantError extends BatchframeError {
  override readonly name = "InvariantError";
}
