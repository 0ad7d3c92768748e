import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { cli, folder } from "./support.ts";

const RAGGED = "id,review\n1,I love it\n2,too,many\n3,Terrible\n4\n";

async function classified(onBadRow: string) {
  const cwd = folder({ "r.csv": RAGGED });
  const words = ["classify", "r.csv", "--text", "review", "--labels", "positive,negative"];
  const ended = await cli(cwd, [...words, "-o", "out.csv", "--json", "--on-bad-row", onBadRow]);
  const written = ended.code === 0 ? readFileSync(join(cwd, "out.csv"), "utf8") : null;
  return { ended, written };
}

it("rows of a CSV file that cannot be read end the run, and nothing is sent", async () => {
  const { ended } = await classified("fail");
  expect(ended.code).toBe(2);
  expect(ended.stderr).toContain("Line 3 of r.csv has 3 cells");
});

it("are left out when told so, and the receipt says which", async () => {
  const { ended, written } = await classified("skip");
  expect(ended.code).toBe(0);
  expect(written?.trim().split("\n")).toHaveLength(3);
  expect(ended.stderr).toContain("2 rows of");
  expect(ended.stderr).toContain("were left out: line 3, 5.");
  const { rows, warnings } = JSON.parse(ended.stdout) as { rows: unknown; warnings: unknown };
  expect(rows).toMatchObject({ total: 2, ok: 2 });
  expect(warnings).toHaveLength(1);
});

it("are passed on unasked when told so, with why", async () => {
  const { ended, written } = await classified("keep");
  expect(ended.code).toBe(0);
  expect(written?.trim().split("\n")).toHaveLength(5);
  expect(written).toContain("2,too,many,");
  expect(ended.stderr).toContain("2 skipped (unreadable in the file)");
  expect(ended.stderr).toContain("were passed on unasked: line 3, 5.");
});
