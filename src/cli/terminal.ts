/** Where text goes: data to standard output, everything else to standard error. */

import { fstatSync } from "node:fs";
import { createInterface } from "node:readline";
import { inertJson, printable } from "./cells.ts";
import { colours, wantsColour, type Colours } from "./colour.ts";
import type { JsonEvents, JsonOutput } from "./json-output.ts";
import { openPanel, type Panel } from "./panel.ts";

/** What the flags say about text. */
export interface TerminalFlags {
  readonly json?: boolean;
  readonly quiet?: boolean;
  readonly verbose?: boolean;
  readonly color?: boolean;
  /** False where nobody may be asked. */
  readonly input?: boolean;
  readonly progress?: ProgressMode;
}

/** How progress is told: as suits the terminal, not at all, or as JSON for programs. */
export type ProgressMode = "auto" | "none" | "json";

/** The two streams of a command, and what they can show. */
export interface Terminal {
  readonly colours: Colours;
  /** Columns of standard error; 80 where it is no terminal or does not say. */
  readonly width: number;
  /** Where lines of words are broken: at the terminal's width, and nowhere in a file or a pipe. */
  readonly wrapWidth: number;
  readonly json: boolean;
  /** Whether every batch and warning is told, and what is behind an error. */
  readonly verbose: boolean;
  /** With `json` standard error holds an object a line and nothing else. */
  readonly progress: ProgressMode;
  /** Whether a panel can be drawn and redrawn. */
  readonly isLive: boolean;
  /** Whether standard output goes into a pipe or a file. */
  readonly isPiped: boolean;
  /** Whether somebody can be asked. */
  readonly canAsk: boolean;
  /** Prints lines on standard error; nothing with `--quiet`. */
  say(text: string): void;
  /** Prints lines on standard error whatever the flags say. */
  insist(text: string): void;
  /** Prints lines on standard output, whatever the flags say; for text that was asked for by a flag. */
  print(text: string): void;
  /** Prints one object on standard output; nothing without `--json`. */
  data(value: JsonOutput): void;
  /** Prints one object on a line of standard error; nothing without `--progress json`. */
  event<Kind extends keyof JsonEvents>(kind: Kind, value: JsonEvents[Kind]): void;
  /** Draws the panel below all lines. */
  draw(text: string): void;
  /** Removes the panel; a later `draw` opens it again. */
  erase(): void;
  /** Asks a question that is answered with yes or no; null when the person stopped instead. */
  ask(question: string): Promise<boolean | null>;
}

/** The terminal of this process under these flags. */
export function openTerminal(flags: TerminalFlags): Terminal {
  const { json = false, quiet = false, verbose = false, color = true } = flags;
  const { input = true, progress = "auto" } = flags;
  const isTerminal = process.stderr.isTTY;
  let panel: Panel | null = null;
  const isEvents = progress === "json";
  const event: Terminal["event"] = (kind, value) => {
    if (!isEvents) return;
    const text = JSON.stringify({ schemaVersion: 1, event: kind, ...value });
    process.stderr.write(`${inertJson(text)}\n`);
  };
  const insist = (text: string): void => {
    if (isEvents) event("message", { text: text.trim() });
    else if (panel === null) process.stderr.write(`${text}\n`);
    else panel.above(text);
  };
  return {
    colours: colours(color && wantsColour(process.env, isTerminal)),
    get width() {
      return isTerminal ? columnsOf(process.stderr) : USUAL_COLUMNS;
    },
    get wrapWidth() {
      return isTerminal ? columnsOf(process.stderr) : Number.POSITIVE_INFINITY;
    },
    json,
    verbose,
    progress,
    isLive: isTerminal && !quiet && progress === "auto" && process.env["TERM"] !== "dumb",
    get isPiped() {
      return isPipeOrFile();
    },
    canAsk: input && isTerminal && process.stdin.isTTY && !isEvents,
    say: (text) => {
      if (!quiet && !isEvents) insist(text);
    },
    insist,
    event,
    print: (text) => {
      // A file or a program gets what cells hold as it is.
      const safe = process.stdout.isTTY ? text.split("\n").map(printable).join("\n") : text;
      process.stdout.write(`${safe}\n`);
    },
    data: (value) => {
      if (json) process.stdout.write(`${inertJson(JSON.stringify(value, null, 2))}\n`);
    },
    draw: (text) => {
      panel ??= openPanel();
      panel.draw(text);
    },
    erase: () => {
      panel?.close();
      panel = null;
    },
    ask,
  };
}

const USUAL_COLUMNS = 80;

/** A terminal's width; some that are no window say it is 0. */
function columnsOf({ columns }: { readonly columns: number }): number {
  return columns > 0 ? columns : USUAL_COLUMNS;
}

function isPipeOrFile(): boolean {
  try {
    const output = fstatSync(process.stdout.fd);
    // Neither a terminal nor /dev/null: rows that go there are wanted.
    return output.isFIFO() || output.isSocket() || output.isFile();
  } catch {
    return false;
  }
}

async function ask(question: string): Promise<boolean | null> {
  const { promise, resolve } = Promise.withResolvers<boolean | null>();
  const reader = createInterface({ input: process.stdin, output: process.stderr });
  reader.once("SIGINT", () => {
    resolve(null);
  });
  // The end of the input is no consent.
  reader.once("close", () => {
    resolve(false);
  });
  reader.question(question, (answer) => {
    resolve(/^y(es)?$/i.test(answer.trim()));
  });
  try {
    return await promise;
  } finally {
    reader.close();
  }
}
