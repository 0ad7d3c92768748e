import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives the whole test run one temporary folder, as TMPDIR, and removes it afterwards with all that
 * tests left there, also those that were interrupted.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "batchframe-tests-"));
  process.env["TMPDIR"] = folder;
  return () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
