/** Google's Cloud Storage library, an optional companion that is loaded when first needed. */

import { createRequire } from "node:module";
import type * as Library from "@google-cloud/storage";
import { InputError } from "../core/errors.ts";

const PACKAGE = "@google-cloud/storage";

/**
 * Checks that the library is there, without loading it.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export function assertStorageLibrary(
  resolve: (name: string) => unknown = createRequire(import.meta.url).resolve,
): void {
  try {
    resolve(PACKAGE);
  } catch (cause) {
    throw new InputError(
      "package_missing",
      `vertex keeps its files in Cloud Storage, for which the package ${PACKAGE} is needed, and it is not installed. Nothing was sent.`,
      { hint: `npm install ${PACKAGE}`, cause },
    );
  }
}

/**
 * The library, loaded once per process.
 *
 * @throws {InputError} `package_missing`; nothing was sent.
 */
export async function storageLibrary(): Promise<typeof Library> {
  assertStorageLibrary();
  return await import("@google-cloud/storage");
}
