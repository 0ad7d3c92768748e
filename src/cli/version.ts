/** The version of this package. */

import { readFileSync } from "node:fs";

/** The version as package.json states it. */
export function packageVersion(): string {
  const manifest = new URL("../../package.json", import.meta.url);
  const { version } = JSON.parse(readFileSync(manifest, "utf8")) as { readonly version: string };
  return version;
}
