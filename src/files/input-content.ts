/** What the rows of an output come from, for a write that may be gone on with. */

import type { OpenedFile } from "../frame/opened-file.ts";

/**
 * Text that differs for other content, and for another way of reading it; what was hashed when a run was planned is
 * not hashed again.
 *
 * A run may be known by its prompts alone, as where a function makes them: of cells that none of them shows it
 * knows nothing, and those stand in the output too.
 */
export async function inputContent(files: readonly OpenedFile[]): Promise<string> {
  const contents: unknown[] = [];
  for (const { kind, frame } of files) {
    const known = (): string | null =>
      "plannedSha256" in frame ? frame.plannedSha256() : frame.lastFingerprint();
    if (known() === null) await frame.fingerprint();
    const reading =
      kind === "csv" ? [frame.dialect.delimiter, frame.onBadRow, frame.hasHeader] : [];
    contents.push([kind, known(), ...reading]);
  }
  return JSON.stringify(contents);
}
