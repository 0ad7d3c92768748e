/** The verbs as commands: tasks with a prompt that need not be written. */

import {
  classifyTask,
  embedTask,
  extractTask,
  filterTask,
  schemaOption,
  scoreTask,
  summarizeTask,
  translateTask,
  type Task,
} from "../index.ts";
import { labelsOutput } from "./answer-flags.ts";
import type {
  ClassifyFlags,
  EmbedFlags,
  ExtractFlags,
  FilterFlags,
  ScoreFlags,
  SummarizeFlags,
  TranslateFlags,
} from "./flags.ts";

/** The task that `classify` stands for. */
export async function classifying(flags: ClassifyFlags): Promise<Task> {
  return classifyTask({ ...spoken(flags), ...(await labelsOutput(flags.labels, flags)) });
}

/** The task that `extract` stands for. */
export async function extracting(flags: ExtractFlags): Promise<Task> {
  return extractTask({ ...spoken(flags), schema: await schemaOption(flags.schema) });
}

/** The task that `filter` stands for. */
export function filtering(flags: FilterFlags): Promise<Task> {
  const { condition, keepRows, failed } = flags;
  return made(() =>
    filterTask({
      ...spoken(flags),
      condition,
      ...(keepRows === undefined ? {} : { keepRows }),
      ...(failed === undefined ? {} : { failed }),
    }),
  );
}

/** The task that `score` stands for. */
export function scoring(flags: ScoreFlags): Promise<Task> {
  const { by, range, anchor } = flags;
  return made(() =>
    scoreTask({
      ...spoken(flags),
      criterion: by,
      ...(range === undefined ? {} : { range }),
      ...(anchor === undefined ? {} : { anchors: anchorsOf(anchor) }),
    }),
  );
}

/** The task that `translate` stands for. */
export function translating(flags: TranslateFlags): Promise<Task> {
  return made(() => translateTask({ ...spoken(flags), to: flags.to }));
}

/** The task that `summarize` stands for. */
export function summarizing(flags: SummarizeFlags): Promise<Task> {
  const { words } = flags;
  return made(() => summarizeTask({ ...spoken(flags), ...(words === undefined ? {} : { words }) }));
}

/** The task that `embed` stands for. */
export function embedding({ text, dimensions }: EmbedFlags): Promise<Task> {
  return made(() => embedTask({ text, dimensions }));
}

// A task that cannot be made is a rejection, as with those that must read a file first.
async function made(make: () => Task): Promise<Task> {
  return await Promise.resolve().then(make);
}

function spoken({ text, also }: { readonly text: string; readonly also?: string }): {
  readonly text: string;
  readonly also?: string;
} {
  return { text, ...(also === undefined ? {} : { also }) };
}

/** What `--anchor 0=calm` says, once for each. */
function anchorsOf(pairs: readonly string[]): Readonly<Record<number, string>> {
  const entries = pairs.map((pair) => {
    const at = pair.indexOf("=");
    return [pair.slice(0, at).trim(), pair.slice(at + 1)] as const;
  });
  return Object.fromEntries(entries);
}
