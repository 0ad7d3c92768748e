/** Places that many machines share, by their addresses. */

import { resolve } from "node:path";
import { directoryObjects } from "../store/objects-directory.ts";
import { s3Objects } from "../store/objects-s3.ts";
import type { Objects } from "../store/objects.ts";

/** Whether an address is one of object storage; else it is a directory's path. */
export function isRemote(address: string): boolean {
  return address.startsWith("s3://");
}

/**
 * The place of an address: `s3://bucket/folder`, else a directory's path.
 *
 * @throws {InputError} `data_invalid`, `package_missing`
 */
export function openPlace(address: string): Objects {
  return isRemote(address) ? s3Objects(address) : directoryObjects(resolve(address));
}
