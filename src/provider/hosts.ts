/** The hosts of OpenAI's batch protocol. */

import {
  HOST_SCHEMA_DIALECT,
  PROMPT_SCHEMA_DIALECT,
  SERVER_SCHEMA_DIALECT,
} from "../core/schema-dialect.ts";
import type { BatchWays, HostProfile } from "./host-profile.ts";
import { CHAT_SETTINGS, OPENAI_DIALECT, type ChatDialect } from "./openai-dialect.ts";
import type { FileWays } from "./openai-files.ts";
import type { ProviderLimits } from "./provider.ts";

const FILES: FileWays = {
  uploadPath: "/files",
  purpose: "batch",
  settles: false,
  paging: "cursor",
};

const BATCHES: BatchWays = {
  path: "/batches",
  paging: "cursor",
  inputField: "input_file_id",
  window: { completion_window: "24h" },
  modelOn: "line",
  metadata: "yes",
  deletes: false,
};

/** One line is limited only where a host says so. */
function limits(
  maxRequestsPerBatch: number,
  maxBytesPerBatch: number,
  narrower: Partial<ProviderLimits> = {},
): ProviderLimits {
  return {
    maxRequestsPerBatch,
    maxBytesPerBatch,
    maxBytesPerRequest: maxBytesPerBatch,
    maxBatchesInFlight: null,
    ...narrower,
  };
}

const MB = 1_000_000;
const POLLING = { pollEveryMs: 30_000, requestsPerChunk: 10_000 } as const;

/** What open-weight hosts of chat completions have in common; `reasoning_effort` is no part of it. */
const OPEN_WEIGHTS: Omit<ChatDialect, "provider"> = {
  ...OPENAI_DIALECT,
  maxTokens: "max_tokens",
  schemas: HOST_SCHEMA_DIALECT,
  settings: new Set([...CHAT_SETTINGS].filter((name) => name !== "reasoning")),
  promptCacheKey: false,
  files: false,
  embeddings: null,
  responses: false,
};

/** OpenAI: 50,000 requests and 200 MB a file. Source: its batch guide and SDK. */
export const OPENAI: HostProfile = {
  id: "openai",
  baseUrl: "https://api.openai.com/v1",
  versionPath: null,
  baseUrlVariables: ["OPENAI_BASE_URL"],
  keyVariable: "OPENAI_API_KEY",
  keyNeeded: true,
  auth: "bearer",
  limits: limits(50_000, 200 * MB),
  ...POLLING,
  files: FILES,
  batches: BATCHES,
  dialect: OPENAI_DIALECT,
  probed: false,
};

/**
 * Azure OpenAI: the model of a request is a deployment's name. A file is looked at before it may be
 * used, batches go on after 24 hours, and looking more often than once a minute is advised against.
 */
const AZURE: HostProfile = {
  ...OPENAI,
  id: "azure",
  baseUrl: null,
  versionPath: "/openai/v1",
  baseUrlVariables: ["AZURE_BASE_URL", "AZURE_OPENAI_ENDPOINT"],
  keyVariable: "AZURE_OPENAI_API_KEY",
  auth: "api-key",
  limits: limits(100_000, 200 * MB),
  pollEveryMs: 60_000,
  files: { ...FILES, settles: true },
  dialect: {
    ...OPENAI_DIALECT,
    provider: "azure",
    promptCacheKey: false,
    files: false,
    responses: false,
  },
};

/** Groq: its guide says 200 MB a file and its SDK 100 MB, so 100 MB; lists come whole. */
const GROQ: HostProfile = {
  ...OPENAI,
  id: "groq",
  baseUrl: "https://api.groq.com/openai/v1",
  versionPath: "/openai/v1",
  baseUrlVariables: ["GROQ_BASE_URL"],
  keyVariable: "GROQ_API_KEY",
  limits: limits(50_000, 100 * MB),
  files: { ...FILES, paging: "whole" },
  batches: { ...BATCHES, paging: "whole" },
  dialect: {
    ...OPEN_WEIGHTS,
    provider: "groq",
    maxTokens: "max_completion_tokens",
    settings: CHAT_SETTINGS,
    // Strict schemas exist for a few of its models only; JSON mode for all of them.
    structured: "json_object",
    schemas: PROMPT_SCHEMA_DIALECT,
  },
};

/** Together: batches without metadata, known again by their input file, and 10 MB a line. */
const TOGETHER: HostProfile = {
  ...OPENAI,
  id: "together",
  baseUrl: "https://api.together.ai/v1",
  baseUrlVariables: ["TOGETHER_BASE_URL"],
  keyVariable: "TOGETHER_API_KEY",
  limits: limits(50_000, 100 * MB, { maxBytesPerRequest: 10 * MB }),
  files: { ...FILES, uploadPath: "/files/upload", purpose: "batch-api", paging: "whole" },
  batches: { ...BATCHES, paging: "whole", metadata: "no" },
  dialect: { ...OPEN_WEIGHTS, provider: "together", layout: "body" },
};

/** Parasail: its page says 100 MB a file and its library 500 MB, so 100 MB. */
const PARASAIL: HostProfile = {
  ...OPENAI,
  id: "parasail",
  baseUrl: "https://api.parasail.io/v1",
  baseUrlVariables: ["PARASAIL_BASE_URL"],
  keyVariable: "PARASAIL_API_KEY",
  limits: limits(50_000, 100 * MB),
  batches: { ...BATCHES, metadata: "perhaps" },
  dialect: { ...OPEN_WEIGHTS, provider: "parasail", embeddings: "base64" },
};

/** Doubleword: chat, responses and embeddings. */
const DOUBLEWORD: HostProfile = {
  ...OPENAI,
  id: "doubleword",
  baseUrl: "https://api.doubleword.ai/v1",
  baseUrlVariables: ["DOUBLEWORD_BASE_URL"],
  keyVariable: "DOUBLEWORD_API_KEY",
  batches: { ...BATCHES, metadata: "perhaps" },
  dialect: { ...OPEN_WEIGHTS, provider: "doubleword", embeddings: "float", responses: true },
};

/**
 * Regolo, in the form its batch page shows; the paths of files and results are not documented and
 * are taken to be OpenAI's, so the host is asked first whether it has them.
 */
const REGOLO: HostProfile = {
  ...OPENAI,
  id: "regolo",
  baseUrl: "https://api.regolo.ai/v1",
  baseUrlVariables: ["REGOLO_BASE_URL"],
  keyVariable: "REGOLO_API_KEY",
  limits: limits(10_000, 500 * MB, { maxBatchesInFlight: 10 }),
  requestsPerChunk: 5000,
  batches: { ...BATCHES, window: { timeout_minutes: 1440 }, metadata: "no" },
  dialect: {
    ...OPEN_WEIGHTS,
    provider: "regolo",
    layout: "params",
    schemas: SERVER_SCHEMA_DIALECT,
  },
  probed: true,
};

/** Mistral: the model stands on the job, not on the lines; 1,000,000 requests a file. */
const MISTRAL: HostProfile = {
  ...OPENAI,
  id: "mistral",
  baseUrl: "https://api.mistral.ai/v1",
  versionPath: "/v1",
  baseUrlVariables: ["MISTRAL_BASE_URL"],
  keyVariable: "MISTRAL_API_KEY",
  // Its documentation gives no size of a file; this is what the other hosts take.
  limits: limits(1_000_000, 200 * MB),
  files: { ...FILES, paging: "numbered" },
  batches: {
    path: "/batch/jobs",
    paging: "numbered",
    listQuery: { order_by: "-created" },
    inputField: "input_files",
    window: { timeout_hours: 24 },
    modelOn: "batch",
    metadata: "yes",
    deletes: true,
  },
  dialect: {
    ...OPENAI_DIALECT,
    provider: "mistral",
    layout: "body",
    maxTokens: "max_tokens",
    schemas: HOST_SCHEMA_DIALECT,
    files: false,
    embeddings: "float",
    responses: false,
  },
};

/** Any other server of OpenAI's protocol: Ollama, vLLM, llama.cpp, a gateway. */
const COMPATIBLE: HostProfile = {
  ...OPENAI,
  id: "compatible",
  baseUrl: null,
  baseUrlVariables: ["COMPATIBLE_BASE_URL"],
  keyVariable: "COMPATIBLE_API_KEY",
  keyNeeded: false,
  limits: limits(50_000, 100 * MB),
  batches: { ...BATCHES, metadata: "perhaps" },
  dialect: {
    ...OPEN_WEIGHTS,
    provider: "compatible",
    embeddings: "float",
    schemas: SERVER_SCHEMA_DIALECT,
  },
  probed: true,
};

/** Every host, by its name in `provider/model`. */
export const HOSTS: ReadonlyMap<string, HostProfile> = new Map(
  [OPENAI, AZURE, GROQ, TOGETHER, PARASAIL, DOUBLEWORD, REGOLO, MISTRAL, COMPATIBLE].map((host) => [
    host.id,
    host,
  ]),
);
