/** The only file that loads apache-arrow. */

import * as library from "apache-arrow";

/** Arrow's types, arrays, readers and writers. */
export const arrow: typeof library = library;
