/** The rows of a run on disk that were asked, as the model answered them; reads the run directory only. */

import { InputError } from "../core/errors.ts";
import type { AnswerReading } from "../output/answer.ts";
import { readSpec, readingOfSpec, type Spec } from "../session/run-spec.ts";
import { storedAnswers } from "../session/stored-answers.ts";
import { joinRows, type RowOutcome } from "../stages/join.ts";
import { openSqliteReader, type StoreReader } from "../store/sqlite-reader.ts";
import type { RunStatus } from "./run-status.ts";
import { readerOf } from "./trace.ts";

/** A row that a request was made for. */
export interface AskedRow {
  /** Counted from 0. */
  readonly row: number;
  /** The request that answers it, which other rows may share. */
  readonly request: number;
  /** What the model made of it, whatever people have corrected. */
  readonly outcome: RowOutcome;
}

/** A run opened to be reviewed. */
export interface AskedRows {
  readonly spec: Spec;
  readonly store: StoreReader;
  readonly reading: AnswerReading;
  /** Every row that was asked and has an answer or has failed, in order; repeatable. */
  rows(): AsyncGenerator<AskedRow>;
  close(): Promise<void>;
}

/**
 * Opens a run of one column and one model over a file, for reading only.
 *
 * @throws {InputError} `review_unsupported` for any other run, for one whose answers are vectors or whose output
 * took its input's place, and where its replies cannot be read here.
 */
export async function openAskedRows(run: RunStatus): Promise<AskedRows> {
  if (run.steps.length > 0) throw unsupported(run, "asks for several columns, votes or pieces");
  if (run.passes.length > 0) throw unsupported(run, "asks a second model");
  const store = openSqliteReader(run.directory);
  try {
    const spec = readSpec(await store.run());
    refuse(run, spec);
    const model = await readerOf(spec);
    if (model === null)
      throw unsupported(run, `needs the client of ${spec.provider}, which cannot be loaded here`);
    const { provider } = model;
    const reading = await readingOfSpec(spec, model);
    return {
      ...{ spec, store, reading },
      rows: async function* () {
        const requests = run.plan?.requests ?? 0;
        const from = { store, provider, reading, requests };
        const answers = await storedAnswers({ ...from, keepsIn: null });
        let asked = new Int32Array(0);
        // Joining gives the rows of each block it has read before it reads the next.
        const plannedRows = async function* (): ReturnType<StoreReader["plannedRows"]> {
          for await (const block of store.plannedRows()) {
            asked = Int32Array.from(block.requests);
            yield block;
          }
        };
        const failures = () => store.failures();
        const joined = joinRows({ store: { plannedRows, failures }, answers, isPartial: true });
        for await (const { firstRow, outcomes } of joined)
          for (const [at, outcome] of outcomes.entries()) {
            const request = asked[at] ?? -1;
            if (request >= 0 && outcome.status !== "skipped")
              yield { row: firstRow + at, request, outcome };
          }
      },
      close: async () => {
        await provider.close();
        store[Symbol.dispose]();
      },
    };
  } catch (error) {
    store[Symbol.dispose]();
    throw error;
  }
}

function refuse(run: RunStatus, { form, input, template, vote, writing, validator }: Spec): void {
  if (run.plan === null) throw unsupported(run, "is not planned yet");
  if (vote !== null) throw unsupported(run, "is one of several votes");
  if (form.kind === "embedding") throw unsupported(run, "asks for vectors");
  if (writing.inPlace === true) throw unsupported(run, "has put its output in its input's place");
  if (input === null || template === null || validator === "code")
    throw unsupported(run, "was started from code, with rows, a template or a schema only it has");
}

function unsupported({ id }: RunStatus, why: string): InputError {
  return new InputError("review_unsupported", `Run ${id} ${why}. Nothing was changed.`, {
    hint: "Runs over a file with one column and one model can be reviewed by people.",
  });
}
