/** `batchframe doctor`: whether this machine has what batchframe needs. */

import { examine, type Check } from "../index.ts";
import { padded, printable, widthOf, wrapped } from "./cells.ts";
import type { Colours } from "./colour.ts";
import type { DoctorFlags } from "./flags.ts";
import type { Terminal } from "./terminal.ts";

/** Runs the command; gives 0, or 1 when something is missing that everything or what was asked for needs. */
export async function doctorCommand(flags: DoctorFlags, terminal: Terminal): Promise<number> {
  const { runDir, baseUrl, model, remote } = flags;
  const checks = await examine({
    ...(runDir === undefined ? {} : { runDir }),
    ...(baseUrl === undefined ? {} : { baseUrl }),
    ...(model === undefined ? {} : { model }),
    ...(remote === undefined ? {} : { remote }),
  });
  const isWell = checks.every(({ state }) => state !== "missing");
  terminal.data({ schemaVersion: 1, ok: isWell, checks });
  const width = Math.max(...checks.map(({ name }) => widthOf(name)));
  for (const check of checks) terminal.say(checkText(check, width, terminal));
  terminal.say(
    isWell ? "\nReady." : `\n${terminal.colours.bad("Not ready:")} see the lines marked ✘.`,
  );
  return isWell ? 0 : 1;
}

function checkText(check: Check, nameWidth: number, terminal: Terminal): string {
  const { name, state, found, hint } = check;
  const { colours, wrapWidth } = terminal;
  const indent = nameWidth + 4;
  const begun = `${marks(colours)[state]} ${padded(name, nameWidth)}  `;
  const told = wrapped(begun + printable(found), wrapWidth, indent);
  if (hint === undefined) return told;
  const advice = wrapped(" ".repeat(indent) + printable(hint), wrapWidth, indent);
  return `${told}\n${colours.dim(advice)}`;
}

function marks(colours: Colours): Readonly<Record<Check["state"], string>> {
  return { ok: colours.good("✔"), warning: colours.warn("–"), missing: colours.bad("✘") };
}
