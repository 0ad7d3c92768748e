/** `batchframe completions`: what a shell offers after Tab, written from the program itself. */

import { InputError } from "../index.ts";
import type { DescribedCommand, DescribedFlag } from "./described.ts";
import { STARTERS } from "./init.ts";
import type { Terminal } from "./terminal.ts";

/** The shells there are completions for. */
export const SHELLS = ["bash", "zsh", "fish", "pwsh"] as const;

/** Prints the completions of a shell on standard output; gives 0. @throws {InputError} `option_invalid` */
export function completionsCommand(
  shell: string,
  commands: readonly DescribedCommand[],
  terminal: Terminal,
): number {
  const text = { bash, zsh, fish, pwsh }[shell as (typeof SHELLS)[number]] as Writer | undefined;
  if (text === undefined)
    throw new InputError(
      "option_invalid",
      `There are no completions for ${JSON.stringify(shell)}.`,
      {
        hint: `For: ${SHELLS.join(", ")}.`,
      },
    );
  if (terminal.json) terminal.data({ schemaVersion: 1, shell, script: text(commands) });
  else terminal.print(text(commands));
  return 0;
}

type Writer = (commands: readonly DescribedCommand[]) => string;

/** The first words, each once. */
function firstWords(commands: readonly DescribedCommand[]): readonly string[] {
  return [...new Set([...commands.map(({ words }) => words.split(" ")[0] ?? ""), "help"])];
}

/** The words that may follow a first word that is no command by itself. */
function secondWords(
  commands: readonly DescribedCommand[],
): ReadonlyMap<string, readonly string[]> {
  const inner = commands.map(({ words }) => words.split(" ")).filter(({ length }) => length > 1);
  const groups = Map.groupBy(inner, ([first = ""]) => first);
  return new Map([...groups].map(([first, all]) => [first, all.map(([, second = ""]) => second)]));
}

function longs(flags: readonly DescribedFlag[]): string {
  return flags.map(({ long }) => long).join(" ");
}

function withChoices(
  commands: readonly DescribedCommand[],
): readonly (readonly [string, string])[] {
  const found = commands.flatMap(({ flags }) => flags.filter(({ choices }) => choices.length > 0));
  return [...new Map(found.map(({ long, choices }) => [long, choices.join(" ")] as const))];
}

/** What a command does, or those below it. */
function doesOf(word: string, commands: readonly DescribedCommand[]): string {
  const one = commands.find(({ words }) => words === word);
  return one?.does ?? commands.find(({ words }) => words.startsWith(`${word} `))?.group ?? "";
}

/** The words that a command's first argument may be, where they are known beforehand: shells, what to begin with. */
function argumentWords(
  commands: readonly DescribedCommand[],
): readonly (readonly [string, string])[] {
  return [
    ["completions", SHELLS.join(" ")],
    ["init", STARTERS.join(" ")],
  ].flatMap(([words = "", choices = ""]) =>
    commands.some((command) => command.words === words) ? [[words, choices] as const] : [],
  );
}

function takesRun(name = ""): boolean {
  return /^.run(\|file)?.$/.test(name);
}

/** The commands of two words whose first argument is a run. */
function innerRunCommands(commands: readonly DescribedCommand[]): readonly string[] {
  return commands
    .filter(({ words, arguments: [first] }) => words.includes(" ") && takesRun(first?.name))
    .map(({ words }) => words);
}

/** The commands of one word whose first argument is a run. */
function runCommands(commands: readonly DescribedCommand[]): readonly string[] {
  return commands
    .filter(({ words, arguments: [first] }) => !words.includes(" ") && takesRun(first?.name))
    .map(({ words }) => words);
}

// Where runs are kept unless a flag says otherwise; the cache beside them is a file.
const LIST_RUNS = `command ls -p .batchframe 2>/dev/null | sed -n 's|/$||p'`;

/** Bash has no descriptions: words only, and files where nothing else is known. */
function bash(commands: readonly DescribedCommand[]): string {
  const inner = [...secondWords(commands)].map(
    ([first, seconds]) => `    ${quoted(first)}) words=${quoted(seconds.join(" "))} ;;`,
  );
  const flags = commands.map(
    ({ words, flags }) => `    ${quoted(words)}) words=${quoted(longs(flags))} ;;`,
  );
  const choices = withChoices(commands).map(
    ([long, values]) =>
      `    ${long}) COMPREPLY=($(compgen -W ${quoted(values)} -- "$current")); return ;;`,
  );
  return `# batchframe completions bash > ~/.local/share/bash-completion/completions/batchframe
_batchframe() {
  local current="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  local first="\${COMP_WORDS[1]}" words="" command
  COMPREPLY=()
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W ${quoted(firstWords(commands).join(" "))} -- "$current"))
    return
  fi
  case "$before" in
${choices.join("\n")}
  esac
  if [ "$COMP_CWORD" -eq 2 ]; then
    case "$first" in
${inner.join("\n")}
${argumentWords(commands)
  .map(([word, choices]) => `    ${word}) words=${quoted(choices)} ;;`)
  .join("\n")}
    ${runCommands(commands).join("|")}) [[ "$current" == -* ]] || words="latest $(${LIST_RUNS})" ;;
    esac
    if [ -n "$words" ]; then
      COMPREPLY=($(compgen -W "$words" -- "$current"))
      return
    fi
  fi
  if [ "$COMP_CWORD" -eq 3 ] && [[ "$current" != -* ]]; then
    case "$first \${COMP_WORDS[2]}" in
    ${innerRunCommands(commands).map(quoted).join("|")})
      COMPREPLY=($(compgen -W "latest $(${LIST_RUNS})" -- "$current"))
      [ "\${#COMPREPLY[@]}" -eq 0 ] || return ;;
    esac
  fi
  if [[ "$current" == -* ]]; then
    command="$first"
    case "$first" in
      ${[...secondWords(commands).keys()].join("|")}) command="$first \${COMP_WORDS[2]}" ;;
    esac
    case "$command" in
${flags.join("\n")}
    esac
    COMPREPLY=($(compgen -W "$words" -- "$current"))
    return
  fi
  COMPREPLY=($(compgen -f -- "$current"))
}
complete -o filenames -F _batchframe batchframe`;
}

function zsh(commands: readonly DescribedCommand[]): string {
  const seconds = secondWords(commands);
  const of = (word: string): string => doesOf(word, commands);
  const firsts = firstWords(commands).map((first) => `    ${zshItem(first, of(first))}`);
  const inner = [...seconds].map(([first, all]) => {
    const items = all.map((second) => zshItem(second, of(`${first} ${second}`)));
    return `      ${first}) items=(${items.join(" ")}); _describe command items; return ;;`;
  });
  const flags = commands.map(({ words, flags }) => {
    const specs = flags.map((flag) => zshFlag(flag));
    return `    ${quoted(words)}) _arguments -s ${specs.join(" ")} '*:file:_files' ;;`;
  });
  return `#compdef batchframe
# batchframe completions zsh > "\${fpath[1]}/_batchframe"
_batchframe() {
  local -a items
  local command="$words[2]"
  if (( CURRENT == 2 )); then
    items=(
${firsts.join("\n")}
    )
    _describe command items
    return
  fi
  if (( CURRENT == 3 )); then
    case "$words[2]" in
${inner.join("\n")}
${argumentWords(commands)
  .map(([word, choices]) => `      ${word}) compadd ${choices}; return ;;`)
  .join("\n")}
      ${runCommands(commands).join("|")}) [[ "$PREFIX" == -* ]] || { compadd latest $(${LIST_RUNS}); return } ;;
    esac
  fi
  if (( CURRENT == 4 )); then
    case "$words[2] $words[3]" in
      ${innerRunCommands(commands).map(quoted).join("|")}) [[ "$PREFIX" == -* ]] || { compadd latest $(${LIST_RUNS}); _files; return } ;;
    esac
  fi
  case "$words[2]" in
    ${[...seconds.keys()].join("|")}) command="$words[2] $words[3]" ;;
  esac
  case "$command" in
${flags.join("\n")}
    *) _files ;;
  esac
}
if [ "$funcstack[1]" = "_batchframe" ]; then _batchframe "$@"; else compdef _batchframe batchframe; fi`;
}

function zshItem(name: string, does: string): string {
  return quoted(`${name}:${does.replaceAll(":", "\\:")}`);
}

function zshFlag({ long, takes, choices, is }: DescribedFlag): string {
  const told = is.replace(/[[\]:\\]/g, "\\$&");
  const value = choices.length > 0 ? `value:(${choices.join(" ")})` : "value:_files";
  const end = takes === "nothing" ? "" : takes === "a value" ? `:${value}` : `::${value}`;
  return quoted(`*${long}[${told}]${end}`);
}

function fish(commands: readonly DescribedCommand[]): string {
  const seconds = secondWords(commands);
  const lines = firstWords(commands).map((first) => {
    const does = doesOf(first, commands);
    return `complete -c batchframe -n __fish_use_subcommand -f -a ${quoted(first)} -d ${quoted(does)}`;
  });
  for (const [first, all] of seconds)
    for (const second of all) {
      const does = commands.find(({ words }) => words === `${first} ${second}`)?.does ?? "";
      const when = `__fish_seen_subcommand_from ${first}; and not __fish_seen_subcommand_from ${all.join(" ")}`;
      lines.push(
        `complete -c batchframe -n ${quoted(when)} -f -a ${quoted(second)} -d ${quoted(does)}`,
      );
    }
  for (const [word, choices] of argumentWords(commands))
    lines.push(
      `complete -c batchframe -n ${quoted(`__fish_seen_subcommand_from ${word}`)} -f -a ${quoted(choices)}`,
    );
  const ofRuns = `__fish_seen_subcommand_from ${runCommands(commands).join(" ")}`;
  const runs = `latest (command ls -p .batchframe 2>/dev/null | string match -r ".*(?=/)")`;
  lines.push(`complete -c batchframe -n ${quoted(ofRuns)} -f -a ${quoted(runs)}`);
  for (const { words, flags } of commands) {
    const seen = words
      .split(" ")
      .map((word) => `__fish_seen_subcommand_from ${word}`)
      .join("; and ");
    for (const flag of flags) lines.push(fishFlag(flag, seen));
  }
  return [
    "# batchframe completions fish > ~/.config/fish/completions/batchframe.fish",
    ...lines,
  ].join("\n");
}

function fishFlag({ long, short, takes, choices, is }: DescribedFlag, seen: string): string {
  return [
    `complete -c batchframe -n ${quoted(seen)} -l ${long.replace(/^--/, "")}`,
    ...(short === null ? [] : [`-s ${short.slice(1)}`]),
    ...(takes === "a value" ? ["-r"] : []),
    ...(choices.length > 0 ? [`-f -a ${quoted(choices.join(" "))}`] : []),
    `-d ${quoted(is)}`,
  ].join(" ");
}

/** PowerShell: one completer, told the words before the cursor; where it has nothing, files are offered, as ever. */
function pwsh(commands: readonly DescribedCommand[]): string {
  const words: readonly (readonly [string, readonly string[]])[] = [
    ["", firstWords(commands).map((first) => `${first}|${doesOf(first, commands)}`)],
    ...[...secondWords(commands)].map(([first, all]) => {
      const told = all.map((second) => `${second}|${doesOf(`${first} ${second}`, commands)}`);
      return [first, told] as const;
    }),
    ...argumentWords(commands).map(([word, choices]) => [word, choices.split(" ")] as const),
  ];
  const flags = commands.map(
    ({ words, flags }) => [words, flags.map(({ long, is }) => `${long}|${is}`)] as const,
  );
  const choices = withChoices(commands).map(([long, values]) => [long, values.split(" ")] as const);
  return `# batchframe completions pwsh | Out-String | Invoke-Expression
Register-ArgumentCompleter -Native -CommandName batchframe -ScriptBlock {
  param($wordToComplete, $commandAst, $cursorPosition)
  $words = @{
${pwshTable(words)}
  }
  $flags = @{
${pwshTable(flags)}
  }
  $choices = @{
${pwshTable(choices)}
  }
  $ofRuns = @(${runCommands(commands).map(pwshText).join(", ")})
  $before = @($commandAst.CommandElements | Where-Object { $_.Extent.EndOffset -lt $cursorPosition } | ForEach-Object { "$_" })
  $first = ''
  if ($before.Count -gt 1) { $first = $before[1] }
  $command = $first
  if ($before.Count -gt 2 -and -not $flags.ContainsKey($first)) { $command = $first + ' ' + $before[2] }
  $items = @()
  if ($before.Count -gt 1 -and $choices.ContainsKey($before[-1])) { $items = $choices[$before[-1]] }
  elseif ($wordToComplete -like '-*') { if ($flags.ContainsKey($command)) { $items = $flags[$command] } }
  elseif ($before.Count -le 2 -and $words.ContainsKey($first)) { $items = $words[$first] }
  elseif ($before.Count -eq 2 -and $ofRuns -contains $first) {
    $items = @('latest') + @(Get-ChildItem -Directory -Name .batchframe -ErrorAction SilentlyContinue)
  }
  foreach ($item in $items) {
    $word, $is = $item -split '\\|', 2
    if (-not $is) { $is = $word }
    if ($word -like ($wordToComplete + '*')) {
      [System.Management.Automation.CompletionResult]::new($word, $word, 'ParameterValue', $is)
    }
  }
}`;
}

/** The lines of a table of lists: each item is a word, and what it does after a bar. */
function pwshTable(entries: readonly (readonly [string, readonly string[]])[]): string {
  return entries
    .map(([key, items]) => `    ${pwshText(key)} = @(${items.map(pwshText).join(", ")})`)
    .join("\n");
}

/** PowerShell takes typographic quotes for quotes as well; doubled, any of them is itself. */
function pwshText(text: string): string {
  return `'${text.replace(/['\u2018-\u201b]/g, "$&$&")}'`;
}

/** A word for any of the shells; fish takes a backslash before a quote for itself, so quotes become typographic there and everywhere. */
function quoted(text: string): string {
  return `'${text.replaceAll("'", "’")}'`;
}
