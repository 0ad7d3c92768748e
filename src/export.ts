/** Exporting: the output of a run, written once more as it stands, for nothing. */

import type { Receipt } from "./core/receipt.ts";
import { keyVariables } from "./provider/models.ts";
import { resumeRun } from "./resume-run.ts";
import type { RunStatus } from "./runs/runs.ts";

/**
 * Writes a file run's rows to a file, in the format of its ending, as far as they are answered: rows
 * whose request has no answer yet are skipped as `pending`. Gives the receipt of what was written.
 *
 * Sends nothing and needs no key; only a reply file that was deleted from the run directory is fetched
 * again, which needs one.
 *
 * @throws {InputError} `run_not_resumable`, and what writing the file throws.
 * @throws {StoreError} `run_locked` while another process drives the run.
 */
export async function exportRun(run: RunStatus, output: string): Promise<Receipt> {
  const names = keyVariables().filter(([, provider]) => run.model.startsWith(`${provider}/`));
  const isKeySet = names.some(([name]) => (process.env[name] ?? "").trim() !== "");
  // What takes no key, as a model on this machine, refuses one.
  const isKeyMissing = names.length > 0 && !isKeySet;
  const resumed = resumeRun(run, { output, ...(isKeyMissing ? { apiKey: "none" } : {}) });
  return await resumed.write();
}
