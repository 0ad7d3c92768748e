/** The run of early-run.ts in a process of its own, whose last rows never come. */

import { sentEarly } from "./early-run.ts";

const { url, runDir } = JSON.parse(process.argv[2] ?? "{}") as {
  readonly url: string;
  readonly runDir: string;
};
// A promise alone keeps no process alive.
setInterval(() => undefined, 1000);
await sentEarly({ url, runDir, lastRows: () => new Promise<void>(() => undefined) });
