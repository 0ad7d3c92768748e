/** A run is killed again and again at random instants, and comes out as if nothing had been. */

import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { requestFileName, replyFileName } from "../../src/core/chunk.ts";
import { killAtRandom, randomOf, slowStand } from "./kills.ts";
import { damageOf, receiptOf, UNHARMED } from "./stand.ts";
import { kept, stand } from "./stands.ts";

const LEAST_KILLS = 20;

describe("a run that is killed at random instants", () => {
  it("loses nothing and buys nothing twice", { timeout: 120_000 }, async () => {
    let kills = 0;
    for (let seed = 1; kills < LEAST_KILLS; seed += 1) {
      const killed = kept(await slowStand(seed));
      const how = { random: randomOf(seed), most: 5, spanMs: 700 };
      const survival = await killAtRandom(killed, how);
      expect(damageOf(killed, survival.receipt), `seed ${String(seed)}`).toEqual(UNHARMED);
      kills += survival.kills;
    }
  });
});

describe("a run of the embedded model", () => {
  it("goes on where its journal ends when it is killed", { timeout: 120_000 }, async () => {
    const shape = { rows: { count: 300 }, job: { model: "embedded", chunkRows: 1000 } } as const;
    const undisturbed = await stand(shape);
    receiptOf(await undisturbed.finish());
    const killed = await stand(shape);
    const files = join(killed.directory, "chunks");
    const journal = join(files, `${requestFileName(1)}.journal`);
    let written = Buffer.alloc(0);
    for (let kills = 0; kills < 3; kills += 1) {
      const child = killed.start();
      const before = written.length;
      while (written.length <= before) {
        await sleep(2);
        written = await readFile(journal).catch(() => written);
      }
      child.child.kill("SIGKILL");
      expect((await child.ended).signal).toBe("SIGKILL");
      const grown = readFileSync(journal);
      // What was computed before a kill stands, byte for byte: none of it is computed again.
      expect(grown.subarray(0, written.length).equals(written)).toBe(true);
      written = grown.subarray(0, grown.lastIndexOf(10) + 1);
    }
    const receipt = receiptOf(await killed.finish());
    const replies = readFileSync(join(files, replyFileName(1)));
    expect(replies.subarray(0, written.length).equals(written)).toBe(true);
    expect(replies.toString().trimEnd().split("\n")).toHaveLength(receipt.requests);
    expect(receipt.duplicateReplies + receipt.unknownReplies + receipt.resent).toBe(0);
    expect(killed.output()).toBe(undisturbed.output());
  });
});
