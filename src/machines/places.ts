/** Places that many machines share, by their addresses. */

import { resolve } from "node:path";
import { directoryObjects } from "../store/objects-directory.ts";
import type { Objects } from "../store/objects.ts";

/** Whether an address is one of object storage; else it is a directory's path. */
export function isRemote(address: string): boolean {
  return address.startsWith("s3://");
}

/** The place of an address. */
export function openPlace(address: string): Objects {
  return directoryObjects(resolve(address));
}
