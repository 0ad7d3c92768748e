/** A process that writes new cells into a file and kills itself when a row is asked for; `WRITE_JOB` says which. */

import { openFile, writeFileFrame } from "../../src/files/files.ts";
import { cellsOf, keeperOf, newColumns, type WriteJob } from "./write-job.ts";

const job = JSON.parse(process.env["WRITE_JOB"] ?? "") as WriteJob;
const { keeper } = keeperOf(job);
const source = cellsOf(job, (row) => {
  if (row >= job.killAt) process.kill(process.pid, "SIGKILL");
});
await writeFileFrame({
  ...{ input: await openFile(job.input), output: job.output, columns: newColumns },
  ...(keeper === undefined ? {} : { keeper }),
  cells: source.cellsFrom({ firstRow: 0, counted: 0 }),
  resume: { journal: job.journal, key: "the same", source, everyMs: 0 },
});
