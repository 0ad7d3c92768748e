/** Google's Cloud Storage library, an optional companion that is loaded when first needed. */

import { createRequire } from "node:module";
import type * as Library from "@google-cloud/storage";
import { assertPackage, type PackageNeed } from "../core/needed-package.ts";

const PACKAGE = "@google-cloud/storage";

/**
 * Checks that the library is there, without loading it.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export function assertStorageLibrary(
  resolve: PackageNeed["resolve"] = createRequire(import.meta.url).resolve,
): void {
  assertPackage(PACKAGE, { what: "vertex keeps its files in Cloud Storage", resolve });
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
