/** Batches by hand: built, submitted, waited for and read, by their ids alone, without runs or frames. */

import {
  buildRequests,
  type BuildOptions,
  type BuiltBytes,
  type BuiltFile,
} from "./batch-building.ts";
import { batchOf, type Desk, type Waiting } from "./batch-desk.ts";
import {
  download,
  readReplies,
  replyLines,
  results,
  type Downloaded,
  type DownloadOptions,
  type ReadOptions,
  type ValueOf,
} from "./batch-replies.ts";
import type { BatchResult } from "./batch-results.ts";
import { submit } from "./batch-submitting.ts";
import {
  statusOf,
  wait,
  type BatchState,
  type EndedBatch,
  type WaitOptions,
} from "./batch-waiting.ts";
import type { OutputOption } from "../output/form.ts";
import { privateFolder, type PrivateFolder } from "../files/private-folder.ts";
import { openModel, type ModelRef } from "../provider/models.ts";
import type { ListedBatch } from "../provider/provider.ts";
import type { LinesSource } from "./request-lines.ts";

/** One provider, and what can be done with batches there. */
export interface Batches extends AsyncDisposable {
  /** The provider's name, the first part of `provider/model`. */
  readonly provider: string;
  /** Where the requests go: a host name, or "this machine". */
  readonly host: string;
  /**
   * Writes a request file, whole or not at all; gives the bytes instead where no path is named.
   * Sends nothing.
   *
   * @throws {InputError} for a custom id that is repeated or not taken everywhere, a blank prompt, a
   * request or a batch larger than the provider takes, a setting it has no place for.
   */
  build(options: BuildOptions & { readonly path: string }): Promise<BuiltFile>;
  build(options: BuildOptions): Promise<BuiltBytes>;
  /**
   * Creates a batch of a request file (its path, bytes or text, made here or elsewhere) and gives the
   * batch's id. From here on the work is charged, whether or not anybody waits for it.
   *
   * Every line is checked first. The create call is made once: where its answer is lost the batch is
   * looked for, and when it cannot be found for certain, `batch_unclear` is thrown.
   * @throws {InputError} for a file that cannot be sent; nothing was sent.
   * @throws {ProviderError} when the provider refuses; then nothing was bought.
   */
  submit(source: LinesSource, options?: Waiting): Promise<string>;
  status(batchId: string, options?: Waiting): Promise<BatchState>;
  /** Waits until the batch has ended, however it did; lost connections and overload are waited out. */
  wait(batchId: string, options?: WaitOptions): Promise<EndedBatch>;
  /**
   * The results of an ended batch in the provider's order, which need not be that of the requests.
   * Repeatable while the provider keeps them, and costs nothing. An id may come twice where a provider
   * repeats a line; {@link resultsById} keeps the first.
   *
   * @throws {InputError} `batch_not_ended`
   */
  results<const O extends OutputOption = undefined>(
    batchId: string,
    options?: ReadOptions<O>,
  ): AsyncIterable<BatchResult<ValueOf<O>>>;
  /** The reply lines of an ended batch as the provider gives them, in its order. */
  replies(batchId: string, options?: Waiting): AsyncIterable<string>;
  /** Writes an ended batch's reply lines, as the provider gives them, or its results, to a file, whole or not at all. */
  download(batchId: string, path: string, options?: DownloadOptions): Promise<Downloaded>;
  /** The results in reply lines that were downloaded before, here or elsewhere. */
  parse<const O extends OutputOption = undefined>(
    source: LinesSource,
    options?: Omit<ReadOptions<O>, "signal">,
  ): AsyncIterable<BatchResult<ValueOf<O>>>;
  /** Every batch of the account, the newest first, whoever made it. */
  list(options?: Waiting): AsyncIterable<ListedBatch>;
  /** Asks the provider to stop a batch; what it has worked on is charged, and its answers are kept. */
  cancel(batchId: string, options?: Waiting): Promise<void>;
  /** Removes an ended batch and its files from the provider, as far as the provider permits; one that is gone is no error. */
  remove(batchId: string, options?: Waiting): Promise<void>;
  /** The same as leaving an `await using` block: ends local waiting and releases the provider; remote batches go on. */
  close(): Promise<void>;
}

/**
 * The batches of a model's provider: everything here works from another process or machine with a
 * batch's id alone, except for models that run on this machine, whose batches end with this process.
 *
 * `await using` (or disposing) ends local waiting and releases the provider; remote batches go on.
 *
 * @throws {InputError} `unknown_model`, `unknown_provider`, `missing_key`, `base_url_invalid`; nothing was sent.
 */
export async function openBatches(model: ModelRef): Promise<Batches> {
  const opened = await openModel(model);
  const { provider } = opened;
  const end = new AbortController();
  let folder: Promise<PrivateFolder> | null = null;
  const desk: Desk = {
    ...opened,
    held: new Map(),
    folder: () => (folder ??= privateFolder()),
    signalOf: (waiting) =>
      waiting?.signal === undefined ? end.signal : AbortSignal.any([waiting.signal, end.signal]),
  };
  const close = async (): Promise<void> => {
    end.abort();
    await provider.close();
    await (await folder)?.remove();
  };
  return {
    provider: provider.id,
    host: provider.host,
    build: ((options: BuildOptions & { readonly path?: string }) =>
      buildRequests(desk, options)) as Batches["build"],
    submit: (source, options) => submit(desk, source, options),
    status: (batchId, options) => statusOf(desk, batchId, options),
    wait: (batchId, options) => wait(desk, batchId, options),
    results: (batchId, options) => results(desk, batchId, options ?? {}),
    replies: (batchId, options) => replyLines(desk, batchId, options),
    download: (batchId, path, options) => download(desk, batchId, { ...options, path }),
    parse: (source, options) => readReplies(desk, source, options ?? {}),
    list: (options) => provider.list(desk.signalOf(options)),
    cancel: (batchId, options) => provider.cancel(batchOf(desk, batchId), desk.signalOf(options)),
    remove: (batchId, options) => remove(desk, batchId, options),
    close,
    [Symbol.asyncDispose]: close,
  };
}

async function remove(desk: Desk, batchId: string, options: Waiting | undefined): Promise<void> {
  await desk.provider.remove(batchId, desk.signalOf(options));
  desk.held.delete(batchId);
}
