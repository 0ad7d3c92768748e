/**
 * A server on this machine that speaks providers' batch protocols and misbehaves on request.
 *
 * For tests, demonstrations and offline work: nothing leaves the machine and nothing costs money.
 */
import { once } from "node:events";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createAdminProfile } from "./admin.ts";
import { createAnthropicProfile } from "./anthropic-profile.ts";
import type { Faults } from "./faults.ts";
import { createGoogleProfile, GOOGLE_PREFIX } from "./google-profile.ts";
import { createOpenAiProfile } from "./openai-profile.ts";
import { OTHER_HOSTS } from "./openai-rules.ts";
import { createPlainProfile } from "./plain-profile.ts";
import { createHttpServer } from "./server.ts";
import { together } from "./service.ts";
import type { EmulatorOptions } from "./settings.ts";
import type { EmulatorStats, LoggedCall } from "./stats.ts";
import { createVertexProfile, VERTEX_PREFIX } from "./vertex-profile.ts";
import { createWorld, type World } from "./world.ts";

export type { Answer, Answerer, AnswerRequest, AnswerToolCall, AnswerUsage } from "./answer.ts";
export { echo, forward, table, type ForwardOptions, type TableEntry } from "./answerers.ts";
export { manualClock, systemClock, type Clock, type ManualClock } from "./clock.ts";
export type { CallDose, Dose, Faults, RowDose } from "./faults.ts";
export type { EmulatorLimits, EmulatorOptions } from "./settings.ts";
export type { EmulatorStats, LoggedCall } from "./stats.ts";

/** Base URLs by provider. */
export interface EmulatorUrls {
  /** `http://127.0.0.1:PORT/v1` */
  readonly openai: string;
  /** `http://127.0.0.1:PORT/anthropic` */
  readonly anthropic: string;
  /** `http://127.0.0.1:PORT/google`, to which clients of the Gemini API add a version and a path. */
  readonly google: string;
  /** `http://127.0.0.1:PORT/vertex`, for Vertex's job API and for Cloud Storage alike. */
  readonly vertex: string;
  /** `http://127.0.0.1:PORT/azure`, Azure's endpoint, to which clients add `/openai/v1` or `/openai`. */
  readonly azure: string;
  /** `http://127.0.0.1:PORT/groq`, to which clients add `/openai/v1`. */
  readonly groq: string;
  /** `http://127.0.0.1:PORT/together/v1` */
  readonly together: string;
  /** `http://127.0.0.1:PORT/parasail/v1` */
  readonly parasail: string;
  /** `http://127.0.0.1:PORT/doubleword/v1` */
  readonly doubleword: string;
  /** `http://127.0.0.1:PORT/regolo/v1` */
  readonly regolo: string;
  /** `http://127.0.0.1:PORT/mistral`, to which clients add `/v1`. */
  readonly mistral: string;
  /** `http://127.0.0.1:PORT/plain/v1`, which has no files and no batches. */
  readonly plain: string;
}

/** A running emulator. */
export interface Emulator extends AsyncDisposable {
  /** The base URL to give to a client: `http://127.0.0.1:PORT/v1`. */
  readonly url: string;
  /** The base URL to give to a client of each provider. */
  readonly urls: EmulatorUrls;
  /** The URL of the emulator's own routes: `http://127.0.0.1:PORT/emulator`. */
  readonly adminUrl: string;
  readonly port: number;
  /** The seed in use, given or drawn. */
  readonly seed: number;
  /** The faults in force. */
  readonly faults: Faults;
  /**
   * Puts `faults` in force in place of all others, for what happens from now on; `{}` ends every
   * fault. Counts begin anew. Throws `InputError` (`emulator_faults`) for a fault that does not exist.
   */
  setFaults(faults: Faults): void;
  /** Lets go of the batch that `stuck` or `stuckValidating` holds, or of all of them; gives how many. */
  release(batchId?: string): number;
  /** Counts since the start, and how many batches are in each state. */
  stats(): EmulatorStats & { readonly batches: Readonly<Record<string, number>> };
  /** How often this request body, or this custom_id, was executed and billed, in batches and live. */
  executions(of: { readonly body: unknown } | { readonly customId: string }): number;
  /** The latest calls, oldest first, at most 1000. */
  requests(): readonly LoggedCall[];
  /** Cuts every connection, stops every batch and removes every file. May be called again. */
  close(): Promise<void>;
}

/** A running emulator, once it listens. Rejects when the port is taken or an option makes no sense. */
export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
  const closing = new AbortController();
  const world = await createWorld(options, closing.signal);
  // Asked in this order: OpenAI's profile answers under every path, so it comes last.
  const services = [
    createAnthropicProfile(world),
    createGoogleProfile(world),
    createVertexProfile(world),
    ...OTHER_HOSTS.map((host) => createOpenAiProfile(world, host)),
    createPlainProfile(world),
    createOpenAiProfile(world),
  ];
  const all = together(services);
  const stats = (): ReturnType<Emulator["stats"]> => ({
    ...world.ledger.stats(),
    batches: all.batchStatuses(),
  });
  const admin = createAdminProfile(world, {
    stats,
    release: (batchId) => all.release(batchId),
  });
  const profiles = services.map(({ profile }) => profile);
  const server = createHttpServer(world, [admin, ...profiles]);
  const port = await listen(server, world, options);
  const origin = `http://${options.host ?? "127.0.0.1"}:${String(port)}`;
  const shutDown = async (): Promise<void> => {
    closing.abort();
    server.closeAllConnections();
    server.close();
    await all.settled();
    await world.files.close();
  };
  let closed: Promise<void> | undefined;
  const close = (): Promise<void> => (closed ??= shutDown());
  return {
    url: `${origin}/v1`,
    urls: {
      openai: `${origin}/v1`,
      anthropic: `${origin}/anthropic`,
      google: `${origin}${GOOGLE_PREFIX}`,
      vertex: `${origin}${VERTEX_PREFIX}`,
      azure: `${origin}/azure`,
      groq: `${origin}/groq`,
      together: `${origin}/together/v1`,
      parasail: `${origin}/parasail/v1`,
      doubleword: `${origin}/doubleword/v1`,
      regolo: `${origin}/regolo/v1`,
      mistral: `${origin}/mistral`,
      plain: `${origin}/plain/v1`,
    },
    adminUrl: `${origin}/emulator`,
    port,
    seed: world.settings.seed,
    get faults() {
      return world.faults.current();
    },
    setFaults: (faults) => {
      world.faults.set(faults);
    },
    release: (batchId) => all.release(batchId),
    stats,
    executions: (of) =>
      "customId" in of
        ? world.ledger.executionsOfCustomId(of.customId)
        : world.ledger.executionsOfBody(of.body),
    requests: () => world.ledger.recentCalls(),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** The port the server listens on; leaves nothing behind when it cannot listen. */
async function listen(server: Server, world: World, options: EmulatorOptions): Promise<number> {
  try {
    server.listen(options.port ?? 0, options.host ?? "127.0.0.1");
    await once(server, "listening");
  } catch (error) {
    await world.files.close();
    throw error;
  }
  return (server.address() as AddressInfo).port;
}
export type { JsonObject } from "./json.ts";
