import { mkdtempSync, readFileSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";

const repository = fileURLToPath(new URL("../..", import.meta.url));

describe("the demo", () => {
  it("teaches its command, accounts for every row, and costs nothing the second time", async () => {
    const cwd = mkdtempSync(join(tmpdir(), "demo-"));
    symlinkSync(join(repository, "sample-data"), join(cwd, "sample-data"));
    const demo = [join(repository, "scripts", "demo.ts")];
    const first = await spawned(process.execPath, demo, { cwd }).ended;
    expect(first).toMatchObject({ code: 0, stdout: "" });
    expect(first.stderr).toMatch(/^\$ npx batchframe classify sample-data\/feedback\.csv /);
    expect(first.stderr).toContain("300 rows = 294 ok + 6 skipped (blank) + 0 failed");
    expect(first.stderr).toMatch(/\d+ of the 294 texts were judged as a careful person did/);
    expect(first.stderr).toContain("Run it again");
    const written = readFileSync(join(cwd, "feedback.enriched.csv"));

    const second = await spawned(process.execPath, demo, { cwd }).ended;
    expect(second.code).toBe(0);
    expect(second.stderr).toContain("already done. Nothing is sent and nothing is spent");
    expect(second.stderr).not.toContain("Run it again");
    expect(readFileSync(join(cwd, "feedback.enriched.csv")).equals(written)).toBe(true);
  });
});
