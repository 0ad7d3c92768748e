/** How a command that failed speaks and ends. */

import { BatchframeError, BudgetError, InputError, ProviderError, StoreError } from "../index.ts";
import { EXIT } from "./exit-codes.ts";
import { printable, wrapped } from "./cells.ts";
import type { Terminal } from "./terminal.ts";

const CONFLICTS = new Set(["run_locked", "lock_lost", "run_differs", "run_under_way"]);

/** The exit code that tells a script what kind of failure this is. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof InputError && error.code === "missing_key") return EXIT.authentication;
  if (error instanceof InputError) return EXIT.usage;
  if (error instanceof ProviderError && error.code === "provider_auth") return EXIT.authentication;
  if (error instanceof ProviderError && error.code === "first_request_refused")
    return error.httpStatus === 404 ? EXIT.authentication : EXIT.usage;
  if (error instanceof BudgetError) return EXIT.budget;
  if (error instanceof StoreError && CONFLICTS.has(error.code)) return EXIT.conflict;
  return EXIT.unexpected;
}

/** Tells what went wrong, on standard error and with `--json` on standard output as well. Gives the exit code. */
export function tellFailure(error: unknown, terminal: Terminal): number {
  terminal.erase();
  if (error instanceof BatchframeError) {
    tell(terminal, { code: error.code, message: error.message, hint: error.hint ?? null });
    // What a provider's library says may hold what was sent to it.
    if (terminal.verbose && !(error instanceof ProviderError)) tellCauses(error, terminal);
  } else {
    const message = error instanceof Error ? error.message : String(error);
    const trace = error instanceof Error ? (error.stack ?? message) : message;
    terminal.insist(trace.split("\n").map(printable).join("\n"));
    const hint = "This is a defect of batchframe. Please report it with the lines above.";
    tell(terminal, { code: "unexpected", message, hint });
  }
  return exitCodeOf(error);
}

/** The messages of what was caught before an error was thrown, the nearest first. */
function tellCauses(error: Error, terminal: Terminal): void {
  for (let cause = error.cause; cause instanceof Error; cause = cause.cause)
    terminal.insist(
      wrapped(`  because: ${printable(String(cause))}`, terminal.wrapWidth, 2 * HANG),
    );
}

/** A failure as a person and a script are told of it. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** What to do next; null when there is nothing to say. */
  readonly hint: string | null;
}

const HANG = 2;

// Where rows from a pipe are kept while they are read: nobody gave that path, or finds it afterwards.
const SPOOLED = /\S+[/\\]batchframe-[A-Za-z0-9]{6}[/\\]stdin\b/g;

/** Prints a failure. */
export function tell(terminal: Terminal, told: Failure): void {
  const failure = { ...told, message: told.message.replace(SPOOLED, "standard input") };
  terminal.data({ schemaVersion: 1, error: failure });
  if (terminal.progress === "json") {
    terminal.event("error", failure);
    return;
  }
  const say = (text: string): void => {
    terminal.insist(wrapped(text, terminal.wrapWidth, HANG));
  };
  say(`${terminal.colours.bad("error:")} ${printable(failure.message)}`);
  if (failure.hint !== null && failure.hint !== "") say(`  ${printable(failure.hint)}`);
}
