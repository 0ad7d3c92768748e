/** The ways the emulator can be told to misbehave. */

/** When a fault strikes. Everything given must hold; `{}` strikes every time. */
export interface Dose {
  /** The share of cases struck, 0 to 1; 1 when left out. */
  readonly rate?: number;
  /** Strikes at most this many times, then never again until the faults are set anew. */
  readonly count?: number;
}

/** A dose for rows. A rate is drawn from the seed, the custom_id and how often that id was sent before. */
export interface RowDose extends Dose {
  /** Strikes only rows that travel under one of these ids. */
  readonly customIds?: readonly string[];
  /** Strikes only rows whose request body, as JSON, contains this text. */
  readonly containing?: string;
}

/** A dose for calls. A rate is drawn from the seed, the route and the number of the call. */
export interface CallDose extends Dose {
  /** Strikes only these routes, such as `POST /batches`; every route when left out. */
  readonly routes?: readonly string[];
}

/** Faults of the whole emulator. A bare number is a rate. Set anew, they start counting from zero. */
export interface Faults {
  /** Executed and billed, yet no line in any file. */
  readonly dropRows?: number | RowDose;
  /** The line comes twice; with `otherAnswer` the second one says something else. */
  readonly duplicateRows?: number | (RowDose & { readonly otherAnswer?: boolean });
  /** An HTTP error in place of an answer: 500 unless `status` says 400, 429 or another. Not billed. */
  readonly failRows?: number | (RowDose & { readonly status?: number });
  /** The text ends half way with finish_reason `length`. */
  readonly truncateRows?: number | RowDose;
  /** The model declines: `refusal` is set, the content is null. */
  readonly refuseRows?: number | RowDose;
  /** finish_reason `content_filter` and no text. */
  readonly contentFilterRows?: number | RowDose;
  /** An extra line under an id that was never sent. */
  readonly unknownIds?: number | RowDose;
  /** The content is not the JSON that was asked for: chat around half of it. */
  readonly invalidJsonRows?: number | RowDose;
  /** The structured answer is JSON of another shape: every member has the wrong type. */
  readonly wrongShapeRows?: number | RowDose;
  /** The structured answer stands in a fenced block, as chat models like to write it. */
  readonly fencedRows?: number | RowDose;
  /** The structured answer names its first member twice, with null and with its value. */
  readonly duplicateKeyRows?: number | RowDose;
  /** The structured answer is nested 200 levels deep. */
  readonly deepRows?: number | RowDose;
  /** The structured answer is as it should be, with `bytes` of blanks in it, 1 MiB when left out. */
  readonly hugeRows?: number | (RowDose & { readonly bytes?: number });
  /** The content is null though the answer ended normally. */
  readonly nullContentRows?: number | RowDose;
  /** Not executed; the row ends as `batch_expired`, and its batch as `expired`. */
  readonly expireRows?: number | RowDose;
  /** The row's line is cut in half, so that it is not JSON. Executed and billed. */
  readonly malformedLine?: number | RowDose;
  /** The answer carries no usage, and neither does its batch. */
  readonly noUsage?: number | RowDose;
  /** The content holds U+2028 and U+2029, unescaped. */
  readonly unicodeSeparators?: number | RowDose;
  /** The content holds a NUL, escaped as JSON demands. */
  readonly nulRows?: number | RowDose;
  /** The content is `bytes` long, 1 MiB when left out. */
  readonly longRows?: number | (RowDose & { readonly bytes?: number });

  /** Result files begin with a byte order mark. */
  readonly bom?: number | Dose;
  /** Lines of result files end in CR LF. */
  readonly crlf?: number | Dose;
  /** Blank lines between the lines of result files and after the last. */
  readonly blankLines?: number | Dose;
  /**
   * A download that ends in the middle of a line: the connection is cut (`destroy`, the default), or
   * the reply is complete and too short (`shortLength`), which no transport can notice.
   */
  readonly cutDownload?: number | (Dose & { readonly how?: "destroy" | "shortLength" });
  /** A download that announces more bytes than it sends. */
  readonly wrongContentLength?: number | Dose;
  /** A download in 10 pieces with `ms` between them, 20 when left out. */
  readonly slowDownload?: number | (Dose & { readonly ms?: number });

  /** 429 in place of acting; no retry header unless given. */
  readonly error429?:
    number | (CallDose & { readonly retryAfterSeconds?: number; readonly retryAfterMs?: number });
  /** 500 in place of acting; `shouldRetry` sets the `x-should-retry` header. */
  readonly error500?: number | (CallDose & { readonly shouldRetry?: boolean });
  /** The connection is cut before anything is done. */
  readonly dropConnection?: number | CallDose;
  /** Everything is done, and the connection is cut in place of the reply. */
  readonly dropReply?: number | CallDose;
  /** A batch is created, and the connection is cut in place of the reply. */
  readonly createAcceptedThenCut?: number | Dose;
  /** A batch is created, and the reply is 500. */
  readonly createAcceptedThen500?: number | Dose;
  /** A file is stored, and the connection is cut in place of the reply. */
  readonly uploadAcceptedThenCut?: number | Dose;
  /** 404 for a batch that exists. */
  readonly notFoundFlicker?: number | Dose;
  /** Every call is held back this long before it is looked at. */
  readonly delayMs?: number;
  /** A new batch is missing from the list for this long. */
  readonly listLagMs?: number;
  /** Timestamps are this far ahead of the clock; may be negative. */
  readonly clockSkewMs?: number;
  /** Appended to the model's name in answers and batches, as services do that answer with a dated name. */
  readonly modelSnapshot?: string;

  /** The batch expires once this share of its rows, 0 to 1, is done. A bare number is the share. */
  readonly expireAfterRows?: number | (Dose & { readonly fraction?: number });
  /** The batch fails validation with this code and message. */
  readonly failValidation?: number | (Dose & { readonly code?: string; readonly message?: string });
  /** The batch stays in_progress with nothing done until it is released or its window is over. */
  readonly stuck?: number | Dose;
  /** The batch stays validating until it is released or its window is over. */
  readonly stuckValidating?: number | Dose;
  /** The batch completes with counts as usual and no output file (`noFile`, the default) or an empty one. */
  readonly emptyOutput?: number | (Dose & { readonly how?: "noFile" | "emptyFile" });
  /** A file id that should be null when the batch has ended is an empty string. */
  readonly outputIdEmptyString?: number | Dose;
  /** A cancel is acknowledged and comes too late: the batch succeeds all the same. Gemini's protocol only. */
  readonly cancelTooLate?: number | Dose;
  /** Replies to inline requests come without the metadata that names them. Gemini's protocol only. */
  readonly dropInlineMetadata?: number | Dose;
  /** Replies to inline requests come in another order. Gemini's protocol only. */
  readonly shuffleInline?: number | Dose;
  /** The list of batches is empty for a client that gives no page size. Gemini's protocol only. */
  readonly listNeedsPageSize?: boolean;
  /** Whether a cancelled batch delivers the rows it had finished; true when left out. Billed either way. */
  readonly cancelKeeps?: boolean;
}

/** The faults that strike by dose. */
export type DoseName = Exclude<
  keyof Faults,
  "delayMs" | "listLagMs" | "clockSkewMs" | "modelSnapshot" | "cancelKeeps" | "listNeedsPageSize"
>;

/** The details of a fault that struck: what its dose holds besides when to strike. */
export type Strike<Name extends DoseName> = Extract<Faults[Name], object>;
