/** What is settled of a session before its run is opened: that the settings can be asked at all, and which run they name. */

import { randomBytes } from "node:crypto";
import { InputError, StoreError } from "../core/errors.ts";
import { columnTaken } from "../core/existing.ts";
import type { Json } from "../core/hash.ts";
import { newColumns } from "../output/columns.ts";
import { columnLayout, requestSpec, type Settings } from "./settings.ts";
import type { RunRecord } from "../store/store.ts";
import type { Rendering } from "../stages/ports.ts";
import { functionRendering, textRendering } from "../stages/render.ts";

/** Everything that can be found wrong before a directory is made or a row is read. */
export function checkSettings(settings: Settings): Rendering {
  const { frame, template, column, replaces, form, model } = settings;
  if (settings.name !== null && !/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(settings.name))
    throw new InputError(
      "run_name_invalid",
      `${JSON.stringify(settings.name)} cannot be a run's name. Nothing was sent.`,
      {
        hint: "Use up to 100 letters, digits, dots, dashes and underscores, a letter or digit first.",
      },
    );
  if (column.trim() === "")
    throw new InputError("column_name_blank", "The new column's name is blank. Nothing was sent.", {
      hint: "Choose another name with --column (column in code).",
    });
  for (const { name } of newColumns(column, columnLayout(settings)))
    if (!replaces && frame.columns.includes(name)) throw columnTaken(frame.name, name);
  model.provider.check(requestSpec(settings));
  const { system, examples, long } = settings;
  const before = { system, examples, form, long };
  return "parts" in template
    ? textRendering(template, before, settings.onNull)
    : functionRendering(template, before);
}

/** What of the settings decides which run they stand for: all that decides what is asked, and not how it travels. */
export function identifyingSettings(settings: Settings): Readonly<Record<string, Json>> {
  const { template, model, form, system, call, examples } = settings;
  return {
    provider: model.provider.id,
    host: model.provider.host,
    model: model.model,
    params: model.params,
    // Left out where none is named, as the runs of before know it.
    ...(settings.endpoint === null ? {} : { endpoint: settings.endpoint }),
    template: "parts" in template ? template.source : null,
    system: system ?? null,
    onNull: settings.onNull,
    limit: settings.limit,
    ...(settings.choice === undefined ? {} : { choice: settings.choice as unknown as Json }),
    column: settings.column,
    ...(settings.old === undefined ? {} : { existing: settings.old.existing }),
    form: form as unknown as Json,
    call: call as unknown as Json,
    examples: examples as unknown as Json,
    ...(settings.long === null ? {} : { long: settings.long as unknown as Json }),
    ...(settings.refreshed === null ? {} : { refreshed: settings.refreshed }),
    ...(settings.pass?.followedBy === undefined ? {} : { followedBy: settings.pass.followedBy }),
  };
}

/** The error for a name that another run has, whose record this is; `is` is the host its rows would go to now. */
export function differs(id: string, { spec }: Pick<RunRecord, "spec">, is: string): StoreError {
  const was = (spec as Readonly<Record<string, Json>>)["host"];
  if (typeof was === "string" && was !== is)
    return new StoreError(
      "run_differs",
      `Run ${JSON.stringify(id)} was started at ${was}, and would be gone on with at ${is}. Nothing was sent.`,
      {
        hint: "Set the provider's address as it was (--base-url, or its variable); or choose another --name.",
      },
    );
  return new StoreError(
    "run_differs",
    `There is a run named ${JSON.stringify(id)} already, and it was started with other settings or other rows. Nothing was sent.`,
    { hint: "Choose another --name, or leave it out to have one made." },
  );
}

/** The id of the run: the one given, or the frame's name, the column and the beginning of the identity. */
export function runId({ name, frame, column }: Settings, identity: string): string {
  const stem = fileSafe(frame.name.replace(/\.[a-z0-9]+$/i, ""));
  return name ?? `${stem}-${fileSafe(column)}-${identity.slice(0, 7)}`;
}

/** A letter and seven letters or digits: enough that two runs of one account never meet. */
export function newToken(): string {
  const characters = "abcdefghijklmnopqrstuvwxyz234567";
  const picked = [...randomBytes(8)].map((byte) => characters[byte & 31] ?? "a");
  return ["r", ...picked.slice(1)].join("");
}

function fileSafe(text: string): string {
  const safe = text.replace(/[^A-Za-z0-9_-]+/g, "-").replace(/^[^A-Za-z0-9]+|-+$/g, "");
  return safe === "" ? "run" : safe.slice(0, 40);
}
