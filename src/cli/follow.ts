/** Follows a run from its plan to its receipt, and tells of it. */

import { resolve as absolute } from "node:path";
import {
  BudgetError,
  findRun,
  InputError,
  isWithinFailures,
  openModel,
  headOfFile,
  type BatchChange,
  type EnrichRun,
  type MaxFailures,
  type ModelRef,
  type Receipt,
  type RunPlan,
  type RunStatus,
} from "../index.ts";
import { checkAfter, doAfter, tellError, type AfterFlags } from "./after.ts";
import { agreed } from "./agree.ts";
import { wrapped } from "./cells.ts";
import { EXIT } from "./exit-codes.ts";
import { count, counted } from "./format.ts";
import { headText, line, whileText, type Host, type Opened, type RunFacts } from "./head-text.ts";
import { onInterrupt, onUnread } from "./interrupt.ts";
import type { ReceiptOutput } from "./json-output.ts";
import { runCommandLine } from "./paths.ts";
import { tellPending, waitingRequests } from "./pending.ts";
import { openProgressDisplay } from "./progress-display.ts";
import { batchLine } from "./progress-text.ts";
import { askedFirst, receiptText, shownRowsText } from "./receipt-text.ts";
import { receiptFromOne } from "./row-numbers.ts";
import { stateOf } from "./run-state.ts";
import type { Terminal } from "./terminal.ts";
import { warningsOn } from "./warnings.ts";

/** A run that has not started, and what is known of it. */
export interface Followed {
  readonly run: EnrichRun<Receipt, unknown>;
  readonly model: ModelRef;
  /** What to call the place rows go to, where the model reference does not tell. */
  readonly hostName?: string;
  readonly facts: RunFacts;
  /** Whether the person has agreed beforehand to what the run sends. */
  readonly yes: boolean;
  /** How many rows may fail before the exit code says so; none when left out. */
  readonly maxFailures?: MaxFailures;
  /** What is done once the run has ended. */
  readonly after?: AfterFlags;
  /** The most it may cost in US dollars, and above what to ask; left out where nothing was said. */
  readonly maxCost?: number | undefined;
  readonly confirmAbove?: number | undefined;
  /** Whether to leave once everything that may be sent is. */
  readonly detach?: boolean;
  /** What else than going on is meant: failed requests asked again, or the remote work stopped. */
  readonly aim?: { readonly again: number } | "cancel";
}

const FIRST_ROWS = 5;
const ROWS_LOOKED_AT = 1000;

/**
 * Plans the run, tells the plan, asks before anything is bought, and follows it to its end.
 *
 * Gives the exit code: 0, 3 with failed rows, 75 when nobody reads any more, 130 when interrupted.
 */
export async function follow(followed: Followed, terminal: Terminal): Promise<number> {
  const { after = {}, facts } = followed;
  try {
    await checkAfter(after, facts.input);
    const { code, receipt, run } = await toTheEnd(followed, terminal);
    await doAfter(after, { run, runDir: facts.runDir, receipt }, terminal);
    return code;
  } catch (error) {
    await tellError(after, error, terminal);
    throw error;
  }
}

/** How a run that was followed came to its end; the receipt is null where it did not. */
interface Outcome {
  readonly code: number;
  readonly run: string;
  readonly receipt: Receipt | null;
}

async function toTheEnd(followed: Followed, terminal: Terminal): Promise<Outcome> {
  const { run, facts } = followed;
  const { opened, plan } = await planned(run);
  const host = await hostOf(followed);
  const status = await findRun(opened.id, facts.runDir);
  const before = stateOf(status);
  terminal.event("open", { run: opened.id, directory: opened.directory, plan });
  terminal.say(headText(facts, { host, opened, plan }, terminal));
  const { aim, detach = false } = followed;
  if (detach && before !== "finished") refuseStaying(host, plan);
  const again = typeof aim === "object" ? aim.again : null;
  // Who let the first chunk go has agreed to the whole plan, and to nothing beyond it.
  const waiting = waitingRequests(status);
  const isFirst = !status.hasSent && waiting > 0 && aim !== "cancel";
  if (!host.free && (again !== null || isFirst)) {
    const requests = again ?? waiting;
    if (!(await agreed(followed, { requests, host, plan, opened }, terminal)))
      return { code: EXIT.interrupted, run: opened.id, receipt: null };
  }
  // Steps have runs of their own; only what started them knows how they belong together.
  const goOn =
    status.steps.length > 0
      ? "the same command again"
      : runCommandLine("resume", opened.id, facts.runDir, placed(facts, status));
  if (before === "finished" && again === null)
    terminal.say(`\n${wrapped(allThereText(plan), terminal.wrapWidth, 0)}\n`);
  else if (!detach)
    terminal.say(`\n${whileText({ host, goOn, lane: plan.lane ?? "batch" }, terminal)}\n`);
  const ended = await drive(run, detach, terminal);
  if (ended.how === "detached") {
    const left = await findRun(opened.id, facts.runDir);
    terminal.say(`\n${leftText(left, host)}`);
    tellPending(left, facts.runDir, terminal);
    terminal.say(line("collect", runCommandLine("collect", opened.id, facts.runDir), terminal));
    return { code: EXIT.pending, run: opened.id, receipt: null };
  }
  if (ended.how !== "finished") {
    const code = await tellStopped(ended.how, { opened, host, goOn, facts }, terminal);
    return { code, run: opened.id, receipt: null };
  }
  const { receipt, error = null } = ended;
  await tellReceipt(
    receipt,
    { facts, host, wasFinished: before === "finished" && again === null },
    terminal,
  );
  // What is there has been told and written; why it is not all comes last.
  if (error !== null) throw error;
  const isFine = isWithinFailures(followed.maxFailures ?? 0, receipt.rows);
  return { code: isFine ? EXIT.ok : EXIT.failedRows, run: opened.id, receipt };
}

/** The part of a {@link Followed} that flags say of failures. */
export function maxFailuresOf({
  maxFailures,
  failFast = false,
}: {
  readonly maxFailures?: MaxFailures;
  readonly failFast?: boolean;
}): Pick<Followed, "maxFailures"> {
  if (failFast) return { maxFailures: 0 };
  return maxFailures === undefined ? {} : { maxFailures };
}

function allThereText(plan: RunPlan): string {
  const what = plan.requests === 1 ? "The one request" : `All ${counted(plan.requests, "request")}`;
  return `${what} of this run ${plan.requests === 1 ? "is" : "are"} already done. Nothing is sent and nothing is spent; the file is written again.`;
}

/** The plan of a run, and where the run is. */
export async function planned(
  run: EnrichRun<Receipt, unknown>,
): Promise<{ readonly opened: Opened; readonly plan: RunPlan }> {
  const { promise, resolve } = Promise.withResolvers<Opened>();
  const forget = run.on("open", resolve);
  // Planning sends nothing and is done again after a kill, so there is nothing to save when stopped.
  const plan = await run.plan();
  forget();
  return { plan, opened: await promise };
}

/** Where a run's rows go, and whether that is free. */
export async function hostOf({ model, hostName }: Followed): Promise<Host> {
  try {
    const { provider } = await openModel(model);
    const { host, free } = provider;
    await provider.close();
    return { name: hostName ?? host, free };
  } catch (error) {
    // A run on disk knows which variable holds its key, and has opened its model with it; what asks for a key is paid.
    if (hostName === undefined || !(error instanceof InputError) || error.code !== "missing_key")
      throw error;
    return { name: hostName, free: false };
  }
}

/** The same of a run that is on disk, without looking at its provider. */
export function hostFrom({ host }: RunStatus): Host {
  return { name: host, free: host === "this machine" };
}

type Ended =
  | {
      readonly how: "finished";
      readonly receipt: Receipt;
      /** Why rows were left over, where the budget was used up. */
      readonly error?: BudgetError;
    }
  | { readonly how: "interrupted" | "unread" | "detached" };

/** @throws {InputError} `option_unsupported` where nothing goes on once this process has ended. */
function refuseStaying({ free }: Host, { lane }: RunPlan): void {
  if (!free && lane !== "realtime") return;
  throw new InputError(
    "option_unsupported",
    `--detach leaves batches to their provider, and this run has none: ${free ? "its model runs here" : "its requests are asked one by one"}. Nothing was sent.`,
    { hint: "Leave it out; or name a model of a provider that has batches, with --lane batch." },
  );
}

/** Lets the run go to its end, until it is told to stop, or until all is sent. */
async function drive(
  run: EnrichRun<Receipt, unknown>,
  detach: boolean,
  terminal: Terminal,
): Promise<Ended> {
  const stopped: ("interrupted" | "unread")[] = [];
  const stop = (how: "interrupted" | "unread") => (): void => {
    stopped.push(how);
    void run.detach();
  };
  const display = openProgressDisplay(terminal);
  const tellBatch = (batch: BatchChange): void => {
    terminal.event("batch", batch);
    if (terminal.verbose && batch.id !== null && terminal.progress === "auto")
      terminal.say(terminal.colours.dim(batchLine(batch)));
  };
  const warnings = warningsOn(terminal);
  const endings = [
    onInterrupt(stop("interrupted")),
    onUnread(stop("unread")),
    run.on("warning", warnings.add),
    run.on("progress", display.update),
    run.on("batch", tellBatch),
    display.close,
    warnings.sum,
  ];
  try {
    if (detach && !(await run.collect({ sends: true }))) return { how: "detached" };
    return { how: "finished", receipt: await run.report() };
  } catch (error) {
    const [how] = stopped;
    const partial = run.partial();
    if (error instanceof BudgetError && partial !== null)
      return { how: "finished", receipt: partial.receipt, error };
    if (how === undefined) throw error;
    return { how };
  } finally {
    for (const end of endings) end();
  }
}

async function tellStopped(
  how: "interrupted" | "unread",
  known: {
    readonly opened: Opened;
    readonly host: Host;
    readonly goOn: string;
    readonly facts: RunFacts;
  },
  terminal: Terminal,
): Promise<number> {
  const { opened, host, goOn, facts } = known;
  if (how === "unread") return EXIT.pending;
  const rest = leftText(await findRun(opened.id, facts.runDir), host);
  terminal.insist(
    `${wrapped(`Stopped here. ${rest} Go on with:`, terminal.wrapWidth, 0)}\n  ${goOn}`,
  );
  terminal.data({ schemaVersion: 1, run: opened.id, status: "interrupted" });
  return EXIT.interrupted;
}

/** Words that name the output, where the run was started with another, to which it would go back. */
function placed({ output }: RunFacts, status: RunStatus): readonly string[] {
  const isSame = output === "" || output === status.output || absolute(output) === status.output;
  return isSame ? [] : ["-o", output];
}

/** What a run that is left leaves behind at its provider. */
function leftText({ chunks }: RunStatus, { free, name }: Host): string {
  const remote = free ? [] : chunks.filter(({ lane }) => lane === "batch");
  const underway = remote.filter(({ state }) => state === "submitted" || state === "ended").length;
  // Before its upload is over no batch was asked for.
  const unsure = remote.filter(
    ({ state, intent }) => state === "submitting" && intent !== null && intent.staged !== null,
  ).length;
  return [
    ...(underway === 0
      ? []
      : [
          `${counted(underway, "batch", "batches")} ${underway === 1 ? "goes" : "go"} on at ${name}.`,
        ]),
    ...(unsure === 0
      ? []
      : [
          `Whether ${name} took ${underway === 0 ? "" : "another "}${counted(unsure, "batch", "batches")} is not known; going on finds out before anything is sent again.`,
        ]),
    ...(remote.length > 0 && underway + unsure === 0 ? [`No batch is under way at ${name}.`] : []),
    ...(chunks.some(({ state }) => state === "collected") ? ["What is answered is kept."] : []),
  ].join(" ");
}

/** Tells what came of a run: its first rows, then its receipt. */
export async function tellReceipt(
  receipt: Receipt,
  known: { readonly facts: RunFacts; readonly host: Host; readonly wasFinished: boolean },
  terminal: Terminal,
): Promise<void> {
  const { facts } = known;
  const columns =
    facts.output === STANDARD_STREAM ? [] : await tellFirstRows(receipt, facts, terminal);
  terminal.say(`\n${receiptText(receipt, { ...known, columns }, terminal)}`);
  terminal.data(receiptData(receipt));
  terminal.event("receipt", receiptData(receipt));
}

/** What stands for standard output where a path is asked for; what was written there cannot be read again. */
const STANDARD_STREAM = "-";

/** Shows the top of the output; gives its columns. */
async function tellFirstRows(
  receipt: Receipt,
  facts: RunFacts,
  terminal: Terminal,
): Promise<readonly string[]> {
  const isCsv = /\.[ct]sv(\.\w+)?$/i.test(facts.output);
  const { header = true } = facts.reading;
  // Bad rows of the input that were passed on are as bad in the output.
  const reading = isCsv ? ({ onBadRow: "keep", header } as const) : {};
  // Where rows were left out the top of the output may hold no answer at all.
  const looked = receipt.rows.skipped > 0 ? ROWS_LOOKED_AT : FIRST_ROWS;
  const head = await headOfFile(facts.output, looked, reading);
  const shown = askedFirst(head, facts.column, FIRST_ROWS);
  terminal.say(shownRowsText(head, shown, { facts, look: terminal }));
  const hidden = receipt.rows.total - shown.length;
  if (hidden > 0) terminal.say(terminal.colours.dim(`  … and ${count(hidden)} more`));
  return head.columns;
}

/** The receipt as scripts read it; members are added in later versions, never changed. */
function receiptData(receipt: Receipt): ReceiptOutput {
  const { run, rows, ...rest } = receiptFromOne(receipt);
  const status = rows.failed > 0 ? "finished_with_failures" : "finished";
  return { schemaVersion: 1, run, status, rows, ...rest };
}
