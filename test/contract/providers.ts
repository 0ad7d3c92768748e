/** Every provider of ours, with a way to connect it to its service's emulator and what it declares of itself. */

import type { Cargo, Line, RowTraits, ServiceOptions, Traits } from "../../src/testing/testing.ts";
import { CONTRACT_KEY } from "../../src/testing/testing.ts";
import { startEmulator, type Emulator, type EmulatorUrls } from "../../src/emulator/emulator.ts";
import { anthropicProvider } from "../../src/provider/anthropic.ts";
import { embeddedProvider } from "../../src/provider/embedded.ts";
import { googleProvider } from "../../src/provider/google.ts";
import { HOSTS } from "../../src/provider/hosts.ts";
import { liveProvider } from "../../src/provider/live.ts";
import { ollamaProvider } from "../../src/provider/ollama.ts";
import { hostBaseUrl } from "../../src/provider/open-host.ts";
import { hostProvider } from "../../src/provider/openai-host.ts";
import { openaiProvider } from "../../src/provider/openai.ts";
import type { BatchProvider } from "../../src/provider/provider.ts";
import { vertexProvider } from "../../src/provider/vertex.ts";

/** One way to use a provider, and what it declares. */
export interface Proof {
  /** As its tests name it. */
  readonly name: string;
  /** Its name in `provider/model`. */
  readonly provider: string;
  readonly connect: (options: ServiceOptions) => Promise<Line>;
  /** In what its batches differ from OpenAI's; null where it has none. */
  readonly batches: Partial<Traits> | null;
  /** What its rows carry; null where that is proved under another name. */
  readonly rows: RowTraits | null;
}

const WRITTEN: readonly Cargo[] = ["text", "labels", "object"];
const SEEN: readonly Cargo[] = ["tools", "toolChoice", "imageBytes", "imageUrl"];
const CHAT: readonly Cargo[] = [...WRITTEN, ...SEEN];

type Client = (emulator: Emulator) => BatchProvider;

/** Starts an emulator, and a client of it. */
function emulated(client: Client): Proof["connect"] {
  return async (options) => {
    const emulator = await startEmulator(options);
    return { service: emulator, provider: client(emulator) };
  };
}

function openaiOver(endpoint: "chat" | "responses"): Proof["connect"] {
  return emulated(({ url }) => openaiProvider({ apiKey: CONTRACT_KEY, baseUrl: url, endpoint }));
}

const OPENAI: readonly Proof[] = [
  {
    name: "openai",
    provider: "openai",
    connect: openaiOver("chat"),
    batches: {},
    rows: null,
  },
  {
    name: "openai over chat",
    provider: "openai",
    connect: openaiOver("chat"),
    batches: null,
    rows: {
      carries: [...CHAT, "fileBytes", "embedding", "reasoning", "cacheKey"],
      holdsSchemas: true,
    },
  },
  {
    name: "openai over responses",
    provider: "openai",
    connect: openaiOver("responses"),
    batches: null,
    rows: {
      carries: [...CHAT, "fileBytes", "fileUrl", "embedding", "reasoning", "cacheKey"],
      holdsSchemas: true,
    },
  },
];

const ANTHROPIC: Proof = {
  name: "anthropic",
  provider: "anthropic",
  connect: emulated(({ urls }) =>
    anthropicProvider({ apiKey: CONTRACT_KEY, baseUrl: urls.anthropic, settleMs: 5 }),
  ),
  batches: {
    createRoute: "POST /messages/batches",
    firstPhase: "running",
    uploads: false,
    tagged: false,
    failsWhole: false,
    files: 0,
  },
  rows: {
    carries: [...CHAT, "fileBytes", "fileUrl", "reasoning", "cacheMarks"],
    holdsSchemas: true,
  },
};

const GOOGLE: Proof = {
  name: "google",
  provider: "google",
  connect: async (options) => {
    const emulator = await startEmulator(options);
    const baseUrl = emulator.urls.google;
    const provider = googleProvider({ apiKey: CONTRACT_KEY, baseUrl, model: "m", settleMs: 5 });
    return { service: emulator, provider, cacheContent: () => cachedContentAt(baseUrl) };
  },
  batches: {
    createRoute: "POST /models/{model}:batchGenerateContent",
    failureCodes: [
      ["INVALID_ARGUMENT", "never"],
      ["RESOURCE_EXHAUSTED", "room"],
      ["INTERNAL", "later"],
    ],
    keepsPartial: false,
    files: 2,
  },
  rows: {
    carries: [...CHAT, "fileBytes", "fileUrl", "embedding", "reasoning", "cachedContent"],
    holdsSchemas: true,
  },
};

async function cachedContentAt(baseUrl: string): Promise<string> {
  const contents = [{ role: "user", parts: [{ text: "Read before." }] }];
  const reply = await fetch(`${baseUrl}/v1beta/cachedContents`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-goog-api-key": CONTRACT_KEY },
    body: JSON.stringify({ model: "models/m", contents }),
  });
  const { name } = (await reply.json()) as { readonly name: string };
  return name;
}

const VERTEX: Proof = {
  name: "vertex",
  provider: "vertex",
  connect: async (options) => {
    const emulator = await startEmulator(options);
    const baseUrl = emulator.urls.vertex;
    const where = { project: "p", location: "us-central1", bucket: "bucket", storageUrl: baseUrl };
    const client = { ...where, model: "m", baseUrl, settleMs: 5, accessToken: CONTRACT_KEY };
    const cacheContent = async (): Promise<string> =>
      `projects/p/locations/us-central1/${await cachedContentAt(emulator.urls.google)}`;
    return { service: emulator, provider: vertexProvider(client), cacheContent };
  },
  batches: {
    createRoute: "POST /projects/{project}/locations/{location}/batchPredictionJobs",
    failureCodes: [
      ["INVALID_ARGUMENT", "never"],
      ["RESOURCE_EXHAUSTED", "room"],
      ["INTERNAL", "later"],
    ],
    // The request file, and the one file of results that follows from the seed.
    files: 2,
  },
  rows: {
    carries: [...CHAT, "fileBytes", "fileUrl", "reasoning", "cachedContent"],
    holdsSchemas: true,
  },
};

type HostName = Exclude<keyof EmulatorUrls, "plain" | "anthropic" | "google" | "vertex">;

/** A host of OpenAI's protocol at an address of its own. */
function hostAt(id: string, address: (emulator: Emulator) => string): Proof["connect"] {
  const profile = HOSTS.get(id);
  if (profile === undefined) throw new Error(`There is no host named ${id}.`);
  return emulated((emulator) => {
    const baseUrl = hostBaseUrl(profile, address(emulator));
    return hostProvider(profile, { baseUrl, model: "m", apiKey: CONTRACT_KEY });
  });
}

function host(id: HostName, batches: Partial<Traits>, rows: RowTraits): Proof {
  return {
    name: id,
    provider: id,
    connect: hostAt(id, ({ urls }) => urls[id]),
    batches,
    rows,
  };
}

const NO_CODE = { failureCodes: [["unknown", "later"]] } as const;

const EVERY_HOST: readonly Proof[] = [
  host("azure", {}, { carries: [...CHAT, "embedding", "reasoning"], holdsSchemas: true }),
  host(
    "mistral",
    { createRoute: "POST /batch/jobs", ...NO_CODE },
    { carries: [...CHAT, "embedding", "reasoning", "cacheKey"], holdsSchemas: true },
  ),
  host("groq", {}, { carries: [...CHAT, "reasoning"], holdsSchemas: false }),
  host("together", NO_CODE, { carries: CHAT, holdsSchemas: true }),
  host("parasail", {}, { carries: [...CHAT, "embedding"], holdsSchemas: true }),
  host("doubleword", {}, { carries: [...CHAT, "embedding"], holdsSchemas: true }),
  host("regolo", { mostOpen: 10 }, { carries: CHAT, holdsSchemas: false }),
];

const AZURE_DATED: Proof = {
  name: "azure under a dated version",
  provider: "azure",
  connect: hostAt("azure", ({ urls }) => `${urls.azure}/openai?api-version=2024-10-21`),
  batches: {},
  rows: null,
};

const COMPATIBLE_ROWS: RowTraits = { carries: [...CHAT, "embedding"], holdsSchemas: false };

const COMPATIBLE: readonly Proof[] = [
  {
    name: "compatible",
    provider: "compatible",
    connect: hostAt("compatible", ({ url }) => url),
    batches: {},
    rows: COMPATIBLE_ROWS,
  },
  {
    name: "compatible, asked live",
    provider: "compatible",
    connect: emulated(({ url: baseUrl }) => {
      const profile = HOSTS.get("compatible");
      if (profile === undefined) throw new Error("There is no host named compatible.");
      const { id, dialect } = profile;
      return liveProvider({ id, baseUrl, apiKey: CONTRACT_KEY, dialect });
    }),
    batches: null,
    rows: COMPATIBLE_ROWS,
  },
];

const OLLAMA: Proof = {
  name: "ollama",
  provider: "ollama",
  connect: emulated(({ url }) => ollamaProvider({ baseUrl: url })),
  batches: null,
  // Its tool_choice does nothing, and it fetches no pictures.
  rows: {
    carries: [...WRITTEN, "tools", "imageBytes", "embedding", "reasoning"],
    holdsSchemas: false,
    isFree: true,
  },
};

const EMBEDDED: Proof = {
  name: "embedded",
  provider: "embedded",
  connect: () =>
    Promise.resolve({
      service: { close: () => Promise.resolve() },
      provider: embeddedProvider(),
    }),
  batches: null,
  rows: { carries: ["labels"], holdsSchemas: true, isFree: true, powers: [] },
};

/** Every proof, in the order of the table of providers. */
export const PROOFS: readonly Proof[] = [
  ...OPENAI,
  ANTHROPIC,
  GOOGLE,
  VERTEX,
  ...EVERY_HOST,
  AZURE_DATED,
  ...COMPATIBLE,
  OLLAMA,
  EMBEDDED,
];
