/** Packages that are installed by those who need them only. */

import { InputError } from "./errors.ts";

/** Why a package is needed, and how it is had. */
export interface PackageNeed {
  /** What needs it, as the beginning of a sentence: `Object storage is spoken to`. */
  readonly what: string;
  /** What stands after `npm install`, and more advice where there is any; the package's name when left out. */
  readonly install?: string;
  /** Throws for a package that is not installed; looks from where the package is used. */
  readonly resolve: (name: string) => unknown;
}

/**
 * Checks that a package is there, without loading it.
 *
 * @throws {InputError} `package_missing` with the command that installs it; nothing was sent.
 */
export function assertPackage(name: string, { what, install = name, resolve }: PackageNeed): void {
  try {
    resolve(name);
  } catch (cause) {
    throw new InputError(
      "package_missing",
      `${what} through the package ${name}, and it is not installed. Nothing was sent.`,
      { hint: `npm install ${install}`, cause },
    );
  }
}
