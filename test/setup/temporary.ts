import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * Gives the whole test run one temporary folder, as TMPDIR, and removes it afterwards with all that
 * tests left there, also those that were interrupted. In it Node keeps what it has compiled: the tests start
 * the command a thousand times, of which stripping the types from its sources is half the time.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), "batchframe-tests-"));
  process.env["TMPDIR"] = folder;
  process.env["NODE_COMPILE_CACHE"] = join(folder, "compiled");
  return () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  };
}
