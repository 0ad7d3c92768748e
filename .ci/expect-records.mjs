/** Fails unless the CSV file named first holds as many records, header included, as the number named second. */

import { createReadStream } from "node:fs";
import { parse } from "csv-parse";

const [path, expected] = process.argv.slice(2);
let count = 0;
for await (const record of createReadStream(path).pipe(parse())) count += record.length > 0 ? 1 : 0;

if (count !== Number(expected)) {
  console.error(`${path} holds ${count} records instead of ${expected}.`);
  process.exitCode = 1;
}
