/** The hosts of OpenAI's batch protocol that the emulator speaks for, and in what they differ. */
import type { BatchStatus } from "./batch-status.ts";
import type { JsonObject } from "./json.ts";

/** An id: a prefix, and so many hexadecimal digits or a UUID. */
export interface IdForm {
  readonly prefix: string;
  readonly digits: number | "uuid";
}

/** How a batch is written. */
export interface WireStyle {
  readonly times: "seconds" | "iso";
  readonly status: (status: BatchStatus) => string;
  /** Whether the counts are null until the batch has ended. */
  readonly lateCounts: boolean;
  /** Where the items of a list stand. */
  readonly listField: "data" | "value";
}

/** One host. */
export interface HostRules {
  readonly name: string;
  readonly prefixes: readonly string[];
  /** Whose way it has of taking and showing batches and files. */
  readonly envelope: "openai" | "together" | "mistral";
  /** `azure`: previews want the key in `api-key`, the version without a date takes a bearer too. */
  readonly auth: "bearer" | "azure" | "together";
  readonly ids: { readonly file: IdForm; readonly batch: IdForm };
  /** Lines and bytes of a file; OpenAI's where null. */
  readonly maxRequests: number | null;
  readonly maxBytes: number | null;
  /** The longest custom_id. */
  readonly maxIdLength: number;
  /** Endpoints it has in batches; all that the emulator executes where null. */
  readonly endpoints: readonly string[] | null;
  /** The field that holds the window, and how long it is; null when the value is refused. */
  readonly windowField: string;
  readonly windowMs: (body: JsonObject) => number | null;
  readonly mixedModels: boolean;
  readonly line: "routed" | "body" | "params";
  readonly modelOn: "line" | "batch";
  readonly keepsMetadata: boolean;
  readonly listing: "cursor" | "whole";
  /** How long an upload is `pending`. */
  readonly filePendingMs: number;
  /** What stands for the error file of a batch without errors. */
  readonly noErrors: "null" | "blank" | "emptyFile";
  /** Its names for problems that OpenAI names otherwise. */
  readonly codes: Readonly<Record<string, string>>;
  readonly style: (pathname: string) => WireStyle;
  /** Batches that may be under way at once. */
  readonly maxOpen: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

const PLAIN: WireStyle = {
  times: "seconds",
  status: (status) => status,
  lateCounts: false,
  listField: "data",
};

/** The window a client may ask for by one of these names. */
function named(windows: Readonly<Record<string, number>>): HostRules["windowMs"] {
  return ({ completion_window: asked }) =>
    typeof asked === "string" ? (windows[asked] ?? null) : null;
}

/** OpenAI itself, under `/v1` and under no prefix at all. */
export const OPENAI_RULES: HostRules = {
  name: "openai",
  prefixes: ["", "/v1"],
  envelope: "openai",
  auth: "bearer",
  ids: { file: { prefix: "file-", digits: 22 }, batch: { prefix: "batch_", digits: 32 } },
  maxRequests: null,
  maxBytes: null,
  maxIdLength: Infinity,
  endpoints: null,
  windowField: "completion_window",
  windowMs: named({ "24h": DAY_MS }),
  mixedModels: false,
  line: "routed",
  modelOn: "line",
  keepsMetadata: true,
  listing: "cursor",
  filePendingMs: 0,
  noErrors: "null",
  codes: {},
  style: () => PLAIN,
  maxOpen: Infinity,
};

const capitalised = (status: string): string => status.charAt(0).toUpperCase() + status.slice(1);

/** The dated previews of Azure's API: ISO dates, capitals, late counts, `value`. */
const AZURE_PREVIEW: WireStyle = {
  times: "iso",
  status: (status) => (status === "in_progress" ? "InProgress" : capitalised(status)),
  lateCounts: true,
  listField: "value",
};

const AZURE_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "azure",
  prefixes: ["/azure/openai/v1", "/azure/openai"],
  auth: "azure",
  ids: { file: { prefix: "file-", digits: 32 }, batch: { prefix: "batch_", digits: "uuid" } },
  maxRequests: 100_000,
  // Unfinished batches are not ended at 24 hours.
  windowMs: (body) => (body["completion_window"] === "24h" ? Infinity : null),
  filePendingMs: 5,
  noErrors: "emptyFile",
  codes: { invalid_url: "url_mismatch", mismatched_model: "model_mismatch" },
  style: (pathname) => (pathname.startsWith("/azure/openai/v1/") ? PLAIN : AZURE_PREVIEW),
};

const CHAT_ONLY = ["/v1/chat/completions"];
const MEGABYTE = 1024 * 1024;

function groqWindowMs({ completion_window: asked }: JsonObject): number | null {
  const [, count, unit] = /^(\d+)([hd])$/.exec(String(asked)) ?? [];
  const ms = Number(count) * (unit === "d" ? DAY_MS : HOUR_MS);
  return ms >= DAY_MS && ms <= 7 * DAY_MS ? ms : null;
}

const GROQ_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "groq",
  prefixes: ["/groq/openai/v1"],
  ids: { file: { prefix: "file_01", digits: 24 }, batch: { prefix: "batch_01", digits: 24 } },
  maxBytes: 100 * MEGABYTE,
  endpoints: CHAT_ONLY,
  windowMs: groqWindowMs,
  listing: "whole",
};

const TOGETHER_STATES: Partial<Record<BatchStatus, string>> = {
  finalizing: "IN_PROGRESS",
  cancelling: "CANCELING",
};

const TOGETHER_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "together",
  prefixes: ["/together/v1"],
  envelope: "together",
  auth: "together",
  ids: { file: { prefix: "file-", digits: "uuid" }, batch: { prefix: "", digits: "uuid" } },
  maxBytes: 100 * MEGABYTE,
  maxIdLength: 64,
  endpoints: CHAT_ONLY,
  windowMs: (body) => ((body["completion_window"] ?? "24h") === "24h" ? DAY_MS : null),
  line: "body",
  keepsMetadata: false,
  listing: "whole",
  style: () => ({
    ...PLAIN,
    times: "iso",
    status: (status) => TOGETHER_STATES[status] ?? status.toUpperCase(),
  }),
};

const PARASAIL_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "parasail",
  prefixes: ["/parasail/v1"],
  ids: { file: { prefix: "file-", digits: 24 }, batch: { prefix: "batch-", digits: 24 } },
  maxBytes: 100 * MEGABYTE,
  endpoints: ["/v1/chat/completions", "/v1/embeddings"],
  mixedModels: true,
};

const DOUBLEWORD_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "doubleword",
  prefixes: ["/doubleword/v1"],
  ids: { file: { prefix: "", digits: "uuid" }, batch: { prefix: "", digits: "uuid" } },
  maxIdLength: 64,
  windowMs: named({ "1h": HOUR_MS, "24h": DAY_MS }),
};

const REGOLO_STATES: Readonly<Record<BatchStatus, string>> = {
  validating: "Validating",
  in_progress: "Processing",
  finalizing: "Processing",
  completed: "Completed",
  failed: "Failed",
  expired: "Expired",
  cancelling: "Cancelling",
  cancelled: "Cancelled",
};

const REGOLO_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "regolo",
  prefixes: ["/regolo/v1"],
  ids: { file: { prefix: "file-", digits: 24 }, batch: { prefix: "batch-", digits: 24 } },
  maxRequests: 10_000,
  maxBytes: 500 * MEGABYTE,
  endpoints: CHAT_ONLY,
  windowField: "timeout_minutes",
  windowMs({ timeout_minutes: minutes }) {
    const isWhole = Number.isInteger(minutes) && Number(minutes) > 0 && Number(minutes) <= 1440;
    return isWhole ? Number(minutes) * 60_000 : null;
  },
  line: "params",
  keepsMetadata: false,
  noErrors: "blank",
  style: () => ({ ...PLAIN, status: (status) => REGOLO_STATES[status] }),
  maxOpen: 10,
};

const MISTRAL_STATES: Readonly<Record<BatchStatus, string>> = {
  validating: "QUEUED",
  in_progress: "RUNNING",
  finalizing: "RUNNING",
  completed: "SUCCESS",
  failed: "FAILED",
  expired: "TIMEOUT_EXCEEDED",
  cancelling: "CANCELLATION_REQUESTED",
  cancelled: "CANCELLED",
};

const MISTRAL_RULES: HostRules = {
  ...OPENAI_RULES,
  name: "mistral",
  prefixes: ["/mistral/v1"],
  envelope: "mistral",
  ids: { file: { prefix: "", digits: "uuid" }, batch: { prefix: "", digits: "uuid" } },
  maxRequests: 1_000_000,
  maxBytes: 512 * MEGABYTE,
  endpoints: ["/v1/chat/completions", "/v1/embeddings"],
  windowField: "timeout_hours",
  windowMs({ timeout_hours: hours }) {
    const asked = hours ?? 24;
    return Number.isInteger(asked) && Number(asked) > 0 ? Number(asked) * HOUR_MS : null;
  },
  line: "body",
  modelOn: "batch",
  style: () => ({ ...PLAIN, status: (status) => MISTRAL_STATES[status] }),
};

/** Every host but OpenAI, each under a prefix of its own. */
export const OTHER_HOSTS: readonly HostRules[] = [
  AZURE_RULES,
  GROQ_RULES,
  TOGETHER_RULES,
  PARASAIL_RULES,
  DOUBLEWORD_RULES,
  REGOLO_RULES,
  MISTRAL_RULES,
];
