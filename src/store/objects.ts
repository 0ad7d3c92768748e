/** The interface of a place that many machines share: objects under keys, written whole and never changed. */

/** What a place says of an object. */
export interface ObjectEntry {
  /** Below the place; folders are told apart by `/`. */
  readonly key: string;
  readonly bytes: number;
  /** Differs when the content does: a tag, or a time and a size. */
  readonly version: string;
}

/**
 * A place for objects. No conditional writes are asked of it: whoever writes chooses a key nobody else
 * writes, and what a key stands for is decided in the database.
 *
 * @throws {StoreError} `data_unreachable` when it does not answer for long, `data_refused` when it says no.
 */
export interface Objects extends AsyncDisposable {
  /** Its address, for people and for the spec of a run; holds no key. */
  readonly url: string;
  /** Copies a file of this machine to a key, whole or not at all; in place of what may be there. The signal may end it before. */
  put(key: string, path: string, signal?: AbortSignal): Promise<void>;
  /** Copies an object to a file of this machine, which appears whole or not at all. @throws {StoreError} `object_missing` */
  fetch(key: string, path: string): Promise<void>;
  /** The size of an object; null when there is none. */
  bytes(key: string): Promise<number | null>;
  /** The objects whose keys begin like this, in the order of their keys. */
  list(prefix: string): Promise<readonly ObjectEntry[]>;
  /** Deletes objects; one that is gone is what was wanted. */
  remove(keys: readonly string[]): Promise<void>;
}
