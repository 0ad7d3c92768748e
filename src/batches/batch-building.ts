/** A request file for one batch, from prompts. */

import type { Desk } from "./batch-desk.ts";
import { callSettings } from "../core/call-options.ts";
import type { CallSettings, PromptCache } from "../core/call-settings.ts";
import { InputError } from "../core/errors.ts";
import type { Params } from "../core/request.ts";
import { writeWhole } from "../frame/csv-output.ts";
import { answerForm, type OutputOption } from "../output/form.ts";
import { linesNameTheModel, requestLines, type BatchRequest } from "./request-lines.ts";
import { givenPrompts, type Example } from "../stages/render.ts";

/** What a batch asks. */
export interface BuildOptions extends CallSettings {
  readonly requests: Iterable<BatchRequest> | AsyncIterable<BatchRequest>;
  /** What the answers may be; free text when left out, a vector from an embedding model. */
  readonly output?: OutputOption;
  /** Instructions before every prompt; requests that give whole `messages` have their own. */
  readonly system?: string;
  /** Answered examples before every prompt; requests that give whole `messages` have their own. */
  readonly examples?: readonly Example[];
  readonly promptCache?: PromptCache;
  /** Extra fields for every request body. */
  readonly params?: Params;
}

/** A request file on disk. */
export interface BuiltFile {
  readonly path: string;
  readonly requestCount: number;
  readonly bytes: number;
}

/** A request file in memory. */
export interface BuiltBytes {
  readonly content: Uint8Array;
  readonly requestCount: number;
  readonly bytes: number;
}

/** Builds the requests into a file, or into memory where no path is named; see {@link Batches.build}. */
export async function buildRequests(
  desk: Desk,
  options: BuildOptions & { readonly path?: string },
): Promise<BuiltFile | BuiltBytes> {
  const lines = linesFor(desk, options);
  const { path } = options;
  let requestCount = 0;
  let bytes = 0;
  const into = async (append: (piece: Buffer) => Promise<void>): Promise<void> => {
    for await (const line of lines) {
      const piece = Buffer.from(line);
      requestCount += 1;
      bytes += piece.byteLength;
      await append(piece);
    }
    if (requestCount === 0) throw noRequests();
  };
  if (path !== undefined) {
    await writeWhole({ output: path, input: "", doneShare: () => 0 }, into);
    return { path, requestCount, bytes };
  }
  const pieces: Buffer[] = [];
  await into((piece) => Promise.resolve(void pieces.push(piece)));
  return { content: Buffer.concat(pieces), requestCount, bytes };
}

function linesFor({ provider, model, params }: Desk, options: BuildOptions): AsyncIterable<string> {
  if (model === "" && linesNameTheModel(provider))
    throw new InputError(
      "model_missing",
      `The lines of a ${provider.id} batch name the model, and none is named. Nothing was sent.`,
      { hint: `Open it with a model, as in ${provider.id}/… with the model's name.` },
    );
  const { system, examples = [], promptCache = null } = options;
  const form = answerForm(options.output, model);
  const spec = {
    model,
    form,
    params: { ...params, ...options.params },
    settings: callSettings(options),
    promptCache,
  };
  provider.check(spec);
  const promptOf = givenPrompts({ system, examples, form });
  return requestLines(options.requests, { provider, spec, promptOf });
}

function noRequests(): InputError {
  return new InputError("batch_empty", "There is no request to build. Nothing was sent.", {
    hint: "Give at least one request.",
  });
}
