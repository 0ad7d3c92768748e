/** The package that runs GGUF models, where the user has installed it. */

import { InputError } from "../core/errors.ts";

/** One turn of a conversation, as the package takes it. */
export type LlamaTurn =
  | { readonly type: "system" | "user"; readonly text: string }
  | { readonly type: "model"; readonly response: readonly string[] };

/** A grammar that answers are held to. */
export type LlamaGrammar = object;

/** How an answer is to be written. */
export interface LlamaGenerating {
  readonly maxTokens: number;
  readonly signal: AbortSignal;
  readonly grammar?: LlamaGrammar;
  readonly temperature?: number;
  readonly topP?: number;
  readonly topK?: number;
  readonly minP?: number;
  readonly seed?: number;
  readonly customStopTriggers?: readonly string[];
}

/** Part of the class of the same name. */
export interface LlamaChat {
  readonly chatWrapper: {
    generateContextState(of: { readonly chatHistory: readonly LlamaTurn[] }): {
      readonly contextText: { tokenize(tokenizer: unknown): readonly unknown[] };
    };
  };
  generateResponse(
    history: readonly LlamaTurn[],
    how: LlamaGenerating,
  ): Promise<{ readonly response: string; readonly metadata: { readonly stopReason: string } }>;
}

interface TokenCounts {
  readonly usedInputTokens: number;
  readonly usedOutputTokens: number;
}

/** Part of `LlamaContextSequence`. */
export interface LlamaSequence {
  readonly tokenMeter: { getState(): TokenCounts; diff(before: TokenCounts): TokenCounts };
}

/** Part of `LlamaEmbeddingContext`. */
export interface LlamaEmbedder {
  calculateInputLength(text: string): number;
  getEmbeddingFor(text: string): Promise<{ readonly vector: readonly number[] }>;
}

/** Part of `LlamaModel`. */
export interface LlamaModel {
  readonly tokenizer: unknown;
  readonly trainContextSize: number;
  createContext(options: {
    readonly contextSize: { readonly max: number };
    readonly sequences: number;
    readonly threads: number;
  }): Promise<{ readonly contextSize: number; getSequence(): LlamaSequence }>;
  createEmbeddingContext(options: {
    readonly contextSize: number;
    readonly threads: number;
  }): Promise<LlamaEmbedder>;
}

/** Part of `Llama`. */
export interface Llama {
  loadModel(options: { readonly modelPath: string }): Promise<LlamaModel>;
  createGrammarForJsonSchema(schema: unknown): Promise<LlamaGrammar>;
  dispose(): Promise<void>;
}

/** What is used of node-llama-cpp 3. */
export interface LlamaPackage {
  readonly LlamaChat: new (options: { readonly contextSequence: LlamaSequence }) => LlamaChat;
  getLlama(options: {
    readonly build: "never";
    readonly skipDownload: true;
    readonly gpu: string | false;
    readonly logLevel: "error";
    readonly maxThreads: number;
  }): Promise<Llama>;
}

const PACKAGE = "node-llama-cpp";

/**
 * The package, loaded.
 *
 * @throws {InputError} `package_missing` with the command that installs it small; nothing was asked.
 */
export async function loadLlamaPackage(): Promise<LlamaPackage> {
  try {
    return (await importPackage(PACKAGE)) as LlamaPackage;
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message.split("\n")[0] : String(cause);
    throw new InputError(
      "package_missing",
      `GGUF models are run by the package ${PACKAGE}, which cannot be loaded (${reason ?? ""}). Nothing was asked.`,
      { hint: `Install it: ${installCommand(process.platform, process.arch)}`, cause },
    );
  }
}

/** Imports by a name that only running code knows: the types are there only where the package is. */
function importPackage(name: string): Promise<unknown> {
  return import(name);
}

const BINARIES: Readonly<Record<string, string>> = {
  "linux-x64": "linux-x64",
  "linux-arm64": "linux-arm64",
  "linux-arm": "linux-armv7l",
  "darwin-x64": "mac-x64",
  "darwin-arm64": "mac-arm64-metal",
  "win32-x64": "win-x64",
  "win32-arm64": "win-arm64",
};

/**
 * The command that installs the package with the one binary this machine needs: 85 MB. Without
 * `--omit=optional` those of other machines and graphics cards come along, 725 MB.
 */
export function installCommand(platform: string, arch: string): string {
  const binary = BINARIES[`${platform}-${arch}`];
  const packages = binary === undefined ? "" : ` @node-llama-cpp/${binary}`;
  return `npm i ${binary === undefined ? "" : "--omit=optional "}${PACKAGE}${packages}`;
}
