/** Two processes fill one cache at the same time, one of them is killed, and nothing of it is lost or bought twice. */

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { receiptOf, rowsOf } from "./stand.ts";
import { stand } from "./stands.ts";

it.each([1, 2, 3])(
  "two processes share a cache, killed at chunk %i",
  { timeout: 90_000 },
  async (nth) => {
    const shared = await stand({ rows: { count: 60 }, job: { chunkRows: 8 } });
    const { csv } = rowsOf({ count: 60 });
    // The same texts but for their beginning: half of the rows are nobody else's.
    const lines = csv.trimEnd().split("\n");
    const others = lines.map((line, at) =>
      at > 30 ? line.replace("as it was", "as it is") : line,
    );
    const input = join(shared.folder, "other.csv");
    writeFileSync(input, `${others.join("\n")}\n`);
    const other = { name: "other", input, output: join(shared.folder, "other-out.csv") };
    const point = { at: "store.collected:before", nth, action: "kill" } as const;
    const [killed, whole] = [shared.start([point]), shared.start([], other)];
    const ended = await whole.ended;
    expect((await killed.ended).signal).toBe("SIGKILL");
    receiptOf(ended);
    receiptOf(await shared.finish());
    // A file of all these rows finds every answer there, whoever bought it.
    const before = shared.emulator.stats().rowsExecuted;
    const all = join(shared.folder, "all.csv");
    writeFileSync(all, `${[...lines, ...others.slice(31)].join("\n")}\n`);
    const last = { name: "all", input: all, output: join(shared.folder, "all-out.csv") };
    const receipt = receiptOf(await shared.finish(last));
    expect(shared.emulator.stats().rowsExecuted).toBe(before);
    expect(receipt.cached).toBe(receipt.requests);
    expect(receipt.rows.failed).toBe(0);
    expect(readFileSync(last.output, "utf8").split("\n")).toHaveLength(
      lines.length + others.length - 30,
    );
  },
);
