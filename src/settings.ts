/** The settings of a run, once its frame is open and its model is at hand. */

import type { AnswerForm } from "./core/form.ts";
import type { Json } from "./core/hash.ts";
import type { OnNull, Template } from "./core/template.ts";
import type { Frame } from "./frame/frame.ts";
import type { OpenedModel } from "./provider/models.ts";
import type { RowFunction } from "./stages/render.ts";
import type { openSqliteStore } from "./store/sqlite.ts";

/** Everything that decides what is asked, where, and how it is remembered. */
export interface Settings {
  readonly frame: Frame;
  readonly template: Template | RowFunction;
  readonly system: string | undefined;
  readonly onNull: OnNull;
  readonly limit: number | null;
  readonly form: AnswerForm;
  readonly column: string;
  readonly model: OpenedModel;
  /** The directory that holds the runs. */
  readonly runDir: string;
  /** The run's id; null derives it from the frame, the column and the content. */
  readonly name: string | null;
  /** What else the run remembers, to be started again by name: paths and the like, never a key. */
  readonly memo: Readonly<Record<string, Json>>;
  /** Opens the run's memory; the embedded store when left out. */
  readonly openStore?: typeof openSqliteStore;
}
