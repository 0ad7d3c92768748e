/** The key of a run's rows, as the options name it: looked through when the run is planned. */

import { keyColumns, type KeyCheck } from "./core/row-key.ts";
import type { Frame } from "./frame/frame.ts";
import { checkedKeys } from "./frame/row-keys.ts";
import type { Session } from "./session/session.ts";
import type { RunKey } from "./session/settings.ts";
import { readKey, writeKey } from "./store/key-file.ts";

/**
 * The key of these rows; null where none is named.
 *
 * @throws {InputError} `option_invalid` and `unknown_column`; nothing was sent.
 */
export function runKey(frame: Frame, key: string | readonly string[] | undefined): RunKey | null {
  if (key === undefined) return null;
  const columns = keyColumns(key, frame.columns);
  return { columns, check: () => checkedKeys(frame, columns) };
}

/**
 * The same session, whose plan says what was found of the key too, and which keeps it in the run's
 * directory. With `isKnown` what is kept there is of the same rows, and is not looked through again.
 */
export function withKey<S extends Pick<Session, "plan" | "directory">>(
  session: S,
  key: RunKey | null,
  isKnown: boolean,
): S {
  if (key === null) return session;
  const plan = session.plan.bind(session);
  let checking: Promise<KeyCheck> | null = null;
  const checked = async (): Promise<KeyCheck> => {
    const kept = readKey(session.directory);
    if (isKnown && JSON.stringify(kept?.columns) === JSON.stringify(key.columns) && kept !== null)
      return kept;
    const check = await key.check();
    await writeKey(session.directory, check);
    return check;
  };
  return Object.assign(session, {
    plan: async () => {
      const counts = await plan();
      return { ...counts, key: await (checking ??= checked()) };
    },
  });
}
