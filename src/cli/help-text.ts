/** The parts of the help that are not flags. */

/** Command lines to begin with. */
export const EXAMPLES = `Examples:
  batchframe classify reviews.csv --text review --labels positive,negative,neutral
  batchframe run tickets.csv -p 'Summarise: {{ body }}' -c summary -m openai/gpt-5-mini
  batchframe status            how the latest run is doing
  batchframe resume            go on with it after Ctrl-C, a crash or a reboot

The same command again goes on with an unfinished run, and writes the output of a
finished one anew for nothing. Keys come from the environment (OPENAI_API_KEY).
Ctrl-C leaves batches running at the provider; a second one stops at once.
Data goes to standard output (--json), everything else to standard error.`;

/** What each exit code means. */
export const EXIT_CODES = `Exit codes:
    0  every row is ok or skipped
    1  something unexpected, or a provider that refuses
    2  wrong usage or input; nothing was sent
    3  some rows failed; the output is written
    4  no key, or a key that was refused
    5  stopped by a budget
    6  the run is in use elsewhere, or differs from its name
    9  the file of --env-file is not there; Node says so before batchframe begins
   75  not there yet, or nobody reads the output any more; batches go on
  130  interrupted; batches go on`;
