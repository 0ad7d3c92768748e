/** The command line: commands, flags, help. */

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { buildCommand } from "./build.ts";
import { diffCommand, type DiffFlags } from "./diff.ts";
import { doctorCommand } from "./doctor.ts";
import { emulateCommand } from "./emulate.ts";
import { attachCommand } from "./attach.ts";
import {
  cacheClearCommand,
  cacheInfoCommand,
  type CacheFlags,
  type ClearCacheFlags,
} from "./cache.ts";
import { cancelCommand } from "./cancel.ts";
import { collectCommand } from "./collect.ts";
import { evalCommand, type EvalFlags } from "./eval.ts";
import { failuresCommand } from "./failures.ts";
import { flagValues } from "./flag-values.ts";
import type {
  BuildFlags,
  CleanFlags,
  CollectFlags,
  DoctorFlags,
  DriveFlags,
  EmulateFlags,
  LookFlags,
  RemoveFlags,
  RetryFlags,
  RunFlags,
} from "./flags.ts";
import { retryCommand } from "./retry.ts";
import { gcCommand, rmCommand } from "./rm.ts";
import { EXAMPLES, EXIT_CODES } from "./help-text.ts";
import { lsCommand } from "./ls.ts";
import { addBatches } from "./program-batches.ts";
import {
  addAskFlags,
  addDriveFlags,
  addEnrichFlags,
  addLookFlags,
  addOutputFlags,
  addTerminalFlags,
  type Choose,
} from "./program-flags.ts";
import { addVerbs, VERBS } from "./program-verbs.ts";
import { reparseCommand, type ReparseFlags } from "./reparse.ts";
import { resumeCommand, type ResumeFlags } from "./resume.ts";
import { runCommand } from "./run.ts";
import { statusCommand } from "./status.ts";
import type { Terminal, TerminalFlags } from "./terminal.ts";
import { packageVersion } from "./version.ts";

/** What a command line asks for. */
export type Reading =
  | {
      readonly kind: "command";
      readonly flags: TerminalFlags;
      readonly execute: (terminal: Terminal) => Promise<number>;
    }
  /** Help or the version, on standard output. */
  | { readonly kind: "text"; readonly text: string }
  | {
      readonly kind: "misuse";
      readonly message: string;
      readonly hint: string;
      /** The whole help, for somebody who gave no command at all. */
      readonly help: string | null;
    };

/** Reads the words after the program's name; does nothing yet. */
export function readCommandLine(words: readonly string[]): Reading {
  let chosen: Reading | null = null;
  let text = "";
  const program = commands((flags, execute) => {
    chosen = { kind: "command", flags, execute };
  });
  program.configureOutput({ writeOut: (more) => (text += more) });
  try {
    program.parse([...words], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return { kind: "text", text };
    return misuse(error, words, program.helpInformation());
  }
  // Commander's types cannot know that an action ran.
  return (chosen as Reading | null) ?? { kind: "text", text: program.helpInformation() };
}

function misuse(error: CommanderError, words: readonly string[], help: string): Reading {
  if (error.code === "commander.help")
    return { kind: "misuse", message: "No command was given.", hint: "", help };
  const [problem = "", ...suggestion] = error.message.replace(/^error: /, "").split("\n");
  const sentence = (problem[0] ?? "").toUpperCase() + problem.slice(1).replace(/([^.?])$/, "$1.");
  const command = words.find((word) => COMMANDS.includes(word));
  const see = `See: batchframe ${command === undefined ? "" : `${command} `}--help`;
  const meant = suggestion.map((text) => text.replace(/^\((.*)\)$/, "$1"));
  return {
    kind: "misuse",
    message: `${sentence} Nothing was sent.`,
    hint: [...meant, see].join(" "),
    help: null,
  };
}

const COMMANDS = [
  "run",
  ...VERBS,
  "build",
  "batches",
  "ls",
  "status",
  "resume",
  "reparse",
  "attach",
  "collect",
  "cancel",
  "retry",
  "failures",
  "rm",
  "gc",
  "cache",
  "eval",
  "diff",
  "emulate",
  "doctor",
];

function commands(choose: Choose): Command {
  const program = new Command("batchframe")
    .description("Enrich the rows of a file with a language model, through batch jobs.")
    .version(packageVersion(), "-V, --version", "print the version")
    .helpOption("-h, --help", "print help")
    .helpCommand("help [command]", "print help for a command")
    .configureOutput({ writeErr: () => undefined })
    .exitOverride()
    .addHelpText("after", `\n${EXAMPLES}\n\n${EXIT_CODES}`);
  program.commandsGroup("Do work:");
  addRun(program, choose);
  addVerbs(program, choose, VALUES);
  program.commandsGroup("Runs:");
  addRuns(program, choose);
  addCache(program, choose);
  program.commandsGroup("By hand:");
  addBuild(program, choose);
  addBatches(program, choose, VALUES);
  program.commandsGroup("Quality:");
  addQuality(program, choose);
  program.commandsGroup("Setup:");
  addEmulate(program, choose);
  addDoctor(program, choose);
  return program;
}

function addRun(program: Command, choose: Choose): void {
  const command = program
    .command("run")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
    .description("add a column with a prompt of your own")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .addHelpText("after", RUN_EXAMPLE);
  addOutputFlags(command, VALUES);
  addEnrichFlags(command, VALUES).action((file: string, flags: RunFlags) => {
    choose(flags, (terminal) => runCommand(file, flags, terminal));
  });
}

const RUN_EXAMPLE = `
Example:
  batchframe run tickets.csv -p 'Read this: {{ body }}' --schema 'topic: billing|bug|other, urgent: bool'`;

function addBuild(program: Command, choose: Choose): void {
  const command = program
    .command("build")
    .argument("<file>", "CSV, JSON Lines, JSON, Parquet or Arrow; a pattern; - for a pipe")
    .description("plan a run and write its request files; send nothing")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .option("-o, --output <file>", "request file, or DIR/ for several (default: standard output)")
    .addHelpText("after", BUILD_EXAMPLE);
  addOutputFlags(command, VALUES);
  addLookFlags(addAskFlags(command, VALUES)).action((file: string, flags: BuildFlags) => {
    choose(flags, (terminal) => buildCommand(file, flags, terminal));
  });
}

const BUILD_EXAMPLE = `
Example:
  batchframe build tickets.csv -p 'Summarise: {{ body }}' -m openai/gpt-5-mini -o in.jsonl`;

const VALUES = flagValues((advice) => new InvalidArgumentError(advice));
const { amount, duration, portNumber, rate, seedNumber, wholeNumber } = VALUES;

const driven = (command: Command): Command => addDriveFlags(command, VALUES);

const RUN = "id, the beginning of one, or latest";

function addRuns(program: Command, choose: Choose): void {
  addLookFlags(program.command("ls").description("list the runs")).action((flags: LookFlags) => {
    choose(flags, (terminal) => lsCommand(flags, terminal));
  });
  addLookFlags(
    program.command("status").argument("[run]", RUN, "latest").description("show one run"),
  ).action((run: string, flags: LookFlags) => {
    choose(flags, (terminal) => statusCommand(run, flags, terminal));
  });
  driven(
    program
      .command("resume")
      .argument("[run]", RUN, "latest")
      .description("go on with a run as it was started")
      .option("-o, --output <file>", "write here instead"),
  ).action((run: string, flags: ResumeFlags) => {
    choose(flags, (terminal) => resumeCommand(run, flags, terminal));
  });
  addControl(program, choose);
}

function addControl(program: Command, choose: Choose): void {
  const named = (name: string, description: string): Command =>
    program.command(name).argument("[run]", RUN, "latest").description(description);
  driven(named("attach", "stay with a run to its end, whoever drives it")).action(
    (run: string, flags: DriveFlags) => {
      choose(flags, (terminal) => attachCommand(run, flags, terminal));
    },
  );
  driven(
    named("collect", "take what is ready, do not wait; 75 while some is not")
      .option("-o, --output <file>", "write here instead")
      .option("--batch-id <id>", "take a batch made elsewhere from the run's request file")
      .option("--results <file>", "take reply lines made elsewhere from the run's request file")
      .option("--chunk <n>", "which chunk they are for (default: what their ids say)", wholeNumber)
      .addHelpText("after", COLLECT_EXAMPLE),
  ).action((run: string, flags: CollectFlags) => {
    choose(flags, (terminal) => collectCommand(run, flags, terminal));
  });
  driven(named("cancel", "stop the remote work, keep every answer that came")).action(
    (run: string, flags: DriveFlags) => {
      choose(flags, (terminal) => cancelCommand(run, flags, terminal));
    },
  );
  driven(
    named("retry", "ask failed rows again").option("--only <codes>", "codes, with commas between"),
  ).action((run: string, flags: RetryFlags) => {
    choose(flags, (terminal) => retryCommand(run, flags, terminal));
  });
  addLookFlags(
    named("reparse", "read the replies of a finished run again, for nothing")
      .option("-o, --output <file>", "write here instead")
      .option("--schema <text|file>", "read them as this: a short form, JSON, or ./schema.ts#name"),
  ).action((run: string, flags: ReparseFlags) => {
    choose(flags, (terminal) => reparseCommand(run, flags, terminal));
  });
  addLookFlags(named("failures", "the rows without an answer, and why")).action(
    (run: string, flags: LookFlags) => {
      choose(flags, (terminal) => failuresCommand(run, flags, terminal));
    },
  );
  addLookFlags(
    program
      .command("rm")
      .argument("<run>", RUN)
      .description("delete a run's directory; its output stays")
      .option("--force", "even while batches are under way"),
  ).action((run: string, flags: RemoveFlags) => {
    choose(flags, (terminal) => rmCommand(run, flags, terminal));
  });
  addLookFlags(
    program
      .command("gc")
      .description("delete finished runs that are old")
      .option("--older-than <duration>", "how old", duration, 30 * 24 * 3_600_000)
      .option("--dry-run", "say what would be deleted"),
  ).action((flags: CleanFlags) => {
    choose(flags, (terminal) => gcCommand(flags, terminal));
  });
}

function addCache(program: Command, choose: Choose): void {
  const cache = program.command("cache").description("the answers bought so far, for every run");
  const within = (command: Command): Command =>
    addLookFlags(command.option("--cache-file <file>", "another cache than the one of the runs"));
  within(cache.command("info", { isDefault: true }).description("what it holds")).action(
    (flags: CacheFlags) => {
      choose(flags, (terminal) => cacheInfoCommand(flags, terminal));
    },
  );
  within(
    cache
      .command("clear")
      .description("delete answers; a new run would buy them again")
      .option("-m, --model <name>", "those of this model only")
      .option("--older-than <duration>", "those bought longer ago only", duration),
  ).action((flags: ClearCacheFlags) => {
    choose(flags, (terminal) => cacheClearCommand(flags, terminal));
  });
}

const COLLECT_EXAMPLE = `
Example:
  batchframe collect latest --results out.jsonl`;

function addQuality(program: Command, choose: Choose): void {
  const evaluate = program
    .command("eval")
    .argument("<file|run>", "a file, or a run whose output is meant")
    .description("score a column of answers against gold labels")
    .option("--pred <column>", "column of answers (a run's own when left out)")
    .requiredOption("--gold <column>", "column of gold labels")
    .option("--by <column>", "also score each value of this column")
    .option("--cost <usd>", "what the answers cost in all", amount)
    .option("--min-accuracy <share>", "exit 3 below this accuracy, 0 to 1", rate);
  addLookFlags(evaluate).action((ref: string, flags: EvalFlags) => {
    choose(flags, (terminal) => evalCommand(ref, flags, terminal));
  });
  const diff = program
    .command("diff")
    .argument("<a>", "a file, or a run whose output is meant")
    .argument("<b>", "another over the same rows")
    .description("compare the answers of two runs")
    .option("-c, --column <name>", "column of answers (a run's own when left out)")
    .option("-o, --output <file>", "CSV file for the rows that differ");
  addLookFlags(diff).action((a: string, b: string, flags: DiffFlags) => {
    choose(flags, (terminal) => diffCommand([a, b], flags, terminal));
  });
}

function addEmulate(program: Command, choose: Choose): void {
  const command = program
    .command("emulate")
    .description("start a provider on this machine: free, and faulty on request")
    .option("--port <n>", "port to listen on; 0 takes a free one", portNumber, 8080)
    .option("--answer <source>", "echo, embedded, table:FILE.json or forward:URL", "echo")
    .option("--seed <n>", "makes every random choice repeatable", seedNumber)
    .option("--delay <duration>", "hold back every call this long", duration)
    .option("--validating <duration>", "how long a batch is validated", duration)
    .option("--running <duration>", "how long a batch runs, at least", duration)
    .option("--finalizing <duration>", "how long a batch is finalized", duration)
    .option("--drop-rows <rate>", "share of rows whose answer is lost", rate)
    .option("--duplicate-rows <rate>", "share of rows answered twice", rate)
    .option("--fail-rows <rate>", "share of rows that fail with HTTP 500", rate)
    .option("--unknown-ids <rate>", "share of rows with an answer nobody asked for", rate)
    .option("--expire-rows <rate>", "share of rows that expire", rate)
    .option("--refuse-rows <rate>", "share of rows the model refuses", rate)
    .option("--truncate-rows <rate>", "share of rows cut off", rate)
    .option("--invalid-json-rows <rate>", "share of rows that are not the JSON asked for", rate)
    .option("--wrong-shape-rows <rate>", "share of rows that are JSON of another shape", rate)
    .option("--fenced-rows <rate>", "share of JSON rows in a fenced block", rate)
    .option("--duplicate-key-rows <rate>", "share of JSON rows that name a member twice", rate)
    .option("--deep-rows <rate>", "share of JSON rows nested 200 levels deep", rate)
    .option("--huge-rows <rate>", "share of JSON rows with 1 MiB of blanks in them", rate)
    .option("--faults <json|@file>", "any faults, as one JSON object");
  addTerminalFlags(command).action((flags: EmulateFlags) => {
    choose(flags, (terminal) => emulateCommand(flags, terminal));
  });
}

function addDoctor(program: Command, choose: Choose): void {
  const command = program
    .command("doctor")
    .description("check this machine, and a model or address")
    .option("-m, --model <name>", "a model that must be usable")
    .option("--base-url <url>", "an address that must answer")
    .option("--remote", "look at the model's provider for batches nobody owns");
  addLookFlags(command).action((flags: DoctorFlags) => {
    choose(flags, (terminal) => doctorCommand(flags, terminal));
  });
}
