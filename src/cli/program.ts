/** The command line: commands, flags, help. */

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { classifyCommand } from "./classify.ts";
import { doctorCommand } from "./doctor.ts";
import { durationMs } from "./duration.ts";
import { emulateCommand } from "./emulate.ts";
import { attachCommand } from "./attach.ts";
import { cancelCommand } from "./cancel.ts";
import { collectCommand } from "./collect.ts";
import { failuresCommand } from "./failures.ts";
import type {
  ClassifyFlags,
  CleanFlags,
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
  "classify",
  "ls",
  "status",
  "resume",
  "attach",
  "collect",
  "cancel",
  "retry",
  "failures",
  "rm",
  "gc",
  "emulate",
  "doctor",
];

type Choose = (flags: TerminalFlags, execute: (terminal: Terminal) => Promise<number>) => void;

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
  addClassify(program, choose);
  program.commandsGroup("Runs:");
  addRuns(program, choose);
  program.commandsGroup("Setup:");
  addEmulate(program, choose);
  addDoctor(program, choose);
  return program;
}

function addRun(program: Command, choose: Choose): void {
  const command = program
    .command("run")
    .argument("<file>", "CSV file to read")
    .description("add a column with a prompt of your own")
    .option("-p, --prompt <text|@file>", "what to ask of each row, with {{ column }} placeholders")
    .option("-s, --system <text|@file>", "instructions before every prompt")
    .option("-c, --column <name>", 'name of the new column (default: "enriched")')
    .option("--labels <a,b|@file>", "the answers to choose from; a CSV file has label,description");
  addEnrichFlags(command).action((file: string, flags: RunFlags) => {
    choose(flags, (terminal) => runCommand(file, flags, terminal));
  });
}

function addClassify(program: Command, choose: Choose): void {
  const command = program
    .command("classify")
    .argument("<file>", "CSV file to read")
    .description("give each row one of some labels")
    .requiredOption("--text <column>", "column that holds the text")
    .requiredOption("--labels <a,b|@file>", "the labels; a CSV file has label,description")
    .option("-c, --column <name>", 'name of the new column (default: "label")')
    .option("--print-prompt", "print the prompt and end");
  addEnrichFlags(command).action((file: string, flags: ClassifyFlags) => {
    choose(flags, (terminal) => classifyCommand(file, flags, terminal));
  });
}

function addEnrichFlags(command: Command): Command {
  command
    .option("-o, --output <file>", "CSV file to write (default: <file>.enriched.csv beside it)")
    .option(
      "-m, --model <name>",
      "provider/model (env BATCHFRAME_MODEL; with labels: the free one)",
    )
    .option("-n, --limit <rows>", "ask the first rows only", wholeNumber)
    .addOption(
      new Option("--on-null <what>", "a row with a blank cell the prompt needs").choices([
        "skip",
        "empty",
        "fail",
      ]),
    )
    .option("-O, --option <key=value>", "extra field of every request; repeatable", pairs)
    .option("--lane <lane>", 'how requests travel: "batch"')
    .option("--chunk-rows <n>", "requests sent together", wholeNumber)
    .option("--base-url <url>", "address of the provider (env OPENAI_BASE_URL, …)")
    .option("--settle <duration>", "how long a new batch may take to show up there", duration)
    .option("--name <id>", "name of the run");
  return addDriveFlags(command);
}

function addDriveFlags(command: Command): Command {
  command
    .option("--poll <duration>", "time between looks at a batch: 500ms, 30s, 5m", duration)
    .option("-y, --yes", "agree beforehand to send what is planned")
    .option("--retries <n>", "how often a row without a reply is sent again", countOrNone)
    .option(
      "--stall <duration>",
      "cancel a batch that stands still so long, send its rest again",
      duration,
    )
    .option("--keep-remote", "leave requests and results at the provider");
  return addLookFlags(command);
}

function addLookFlags(command: Command): Command {
  command.option("--run-dir <dir>", 'where runs are kept (default: ".batchframe")');
  return addTerminalFlags(command);
}

function addTerminalFlags(command: Command): Command {
  return command
    .option("--json", "print one object on standard output")
    .option("-q, --quiet", "print errors only")
    .option("--no-color", "no colours");
}

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
  addDriveFlags(
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
  addDriveFlags(named("attach", "stay with a run to its end, whoever drives it")).action(
    (run: string, flags: DriveFlags) => {
      choose(flags, (terminal) => attachCommand(run, flags, terminal));
    },
  );
  addDriveFlags(named("collect", "take what is ready, do not wait; 75 while some is not")).action(
    (run: string, flags: DriveFlags) => {
      choose(flags, (terminal) => collectCommand(run, flags, terminal));
    },
  );
  addDriveFlags(named("cancel", "stop the remote work, keep every answer that came")).action(
    (run: string, flags: DriveFlags) => {
      choose(flags, (terminal) => cancelCommand(run, flags, terminal));
    },
  );
  addDriveFlags(
    named("retry", "ask failed rows again").option("--only <codes>", "codes, with commas between"),
  ).action((run: string, flags: RetryFlags) => {
    choose(flags, (terminal) => retryCommand(run, flags, terminal));
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

function duration(text: string): number {
  const ms = durationMs(text);
  if (ms !== null && ms > 0) return ms;
  throw new InvalidArgumentError("Write a duration such as 500ms, 30s, 5m or 2h.");
}

function countOrNone(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError("Write 0 or a whole number.");
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new InvalidArgumentError("Write a whole number above 0.");
}

function portNumber(text: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= 65_535) return value;
  throw new InvalidArgumentError("Write a port from 0 to 65535.");
}

function seedNumber(text: string): number {
  if (/^\d+$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError("Write a whole number.");
}

function rate(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && value >= 0 && value <= 1) return value;
  throw new InvalidArgumentError("Write a share from 0 to 1, such as 0.01.");
}

function pairs(text: string, before: readonly string[] = []): readonly string[] {
  if (text.indexOf("=") > 0) return [...before, text];
  throw new InvalidArgumentError("Write key=value, such as temperature=0.");
}
