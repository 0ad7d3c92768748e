/** `batchframe reparse`: reads the stored replies of a finished run again, with another schema if one is given. */

import { findRun, reparseRun, schemaOption } from "../index.ts";
import type { LookFlags } from "./flags.ts";
import { follow } from "./follow.ts";
import type { Terminal } from "./terminal.ts";

/** Flags of `reparse`. */
export interface ReparseFlags extends LookFlags {
  readonly output?: string;
  /** A short form, JSON, or a file that holds a schema. */
  readonly schema?: string;
}

/** Runs the command; gives the exit code. Nothing is sent, so nothing is asked. */
export async function reparseCommand(
  ref: string,
  flags: ReparseFlags,
  terminal: Terminal,
): Promise<number> {
  const status = await findRun(ref, flags.runDir);
  const { output, schema, runDir } = flags;
  const run = reparseRun(status, {
    ...(output === undefined ? {} : { output }),
    ...(schema === undefined ? {} : { schema: await schemaOption(schema) }),
  });
  const facts = {
    input: status.input ?? "",
    reading: status.reading,
    output: output ?? status.output ?? "",
    model: status.model,
    modelWhy: null,
    promptColumns: null,
    column: status.column,
    runDir,
  };
  const { model } = status;
  return await follow({ run, model, hostName: status.host, facts, yes: true }, terminal);
}
