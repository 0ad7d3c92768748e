/** A run that is killed while its output is joined and written goes on from what it has written. */

import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { Receipt } from "../../src/core/receipt.ts";
import { answerFileName, replyFileName } from "../../src/core/chunk.ts";
import { damageOf, receiptOf, UNHARMED, type Stand } from "./stand.ts";
import { stand } from "./stands.ts";

const SHAPE = { rows: { count: 2400, paddedTo: 600 }, job: { chunkRows: 300 } };

const wentOnAt = (stderr: string): number | null => {
  const said = /goes on at (\d+)/.exec(stderr)?.[1];
  return said === undefined ? null : Number(said);
};

/** What the receipt says of rows, which no kill may change. */
const counted = ({ rows, skippedBy, failedBy, labels, usage, costUsd }: Receipt) => ({
  ...{ rows, skippedBy, failedBy, labels, usage, costUsd },
});

async function struckAt(nth: number): Promise<Stand> {
  const one = await stand(SHAPE);
  const ended = await one.start([{ at: "output.mark:before", nth, action: "kill" }]).ended;
  expect(ended.signal).toBe("SIGKILL");
  return one;
}

const journalOf = ({ directory }: Stand): string => join(directory, "writing.json");
const leftBeside = ({ folder }: Stand): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(".tmp"));

describe("a run killed while it writes", () => {
  it.each([6, 8, 15])(
    "after %i marks goes on from the last, with the same receipt",
    async (nth) => {
      const undisturbed = await stand(SHAPE);
      const whole = receiptOf(await undisturbed.finish());
      const one = await struckAt(nth);
      expect(leftBeside(one)).toHaveLength(1);
      const { mark } = JSON.parse(readFileSync(journalOf(one), "utf8")) as {
        readonly mark: { readonly rows: number };
      };
      const ended = await one.finish();
      const receipt = receiptOf(ended);
      expect(damageOf(one, receipt)).toEqual(UNHARMED);
      expect(counted(receipt)).toEqual(counted(whole));
      const row = wentOnAt(ended.stderr) ?? -1;
      expect(row).toBeGreaterThan(0);
      expect(row).toBeGreaterThan(mark.rows - 1000);
      expect(leftBeside(one)).toEqual([]);
      expect(existsSync(journalOf(one))).toBe(false);
    },
  );

  it("reads no reply again whose rows were written", async () => {
    const one = await struckAt(15);
    // The first rows' answers are all in the first chunk.
    rmSync(join(one.directory, "chunks", answerFileName(1)), { force: true });
    writeFileSync(join(one.directory, "chunks", replyFileName(1)), "");
    const ended = await one.finish();
    expect(wentOnAt(ended.stderr)).toBeGreaterThan(300);
    expect(damageOf(one, receiptOf(ended))).toEqual(UNHARMED);
  });

  it("begins anew where its output has been touched", async () => {
    const one = await struckAt(8);
    const [left = ""] = leftBeside(one);
    const path = join(one.folder, left);
    const bytes = readFileSync(path);
    bytes[100] = (bytes[100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const ended = await one.finish();
    expect(wentOnAt(ended.stderr)).toBe(null);
    expect(damageOf(one, receiptOf(ended))).toEqual(UNHARMED);
    expect(leftBeside(one)).toEqual([]);
  });

  it("begins anew where the output is another", async () => {
    const one = await struckAt(8);
    const other = join(one.folder, "other.csv");
    const ended = await one.finish({ output: other });
    expect(wentOnAt(ended.stderr)).toBe(null);
    expect(readFileSync(other, "utf8")).toBe(one.rows.expected);
    expect(leftBeside(one)).toEqual([]);
  });
});
