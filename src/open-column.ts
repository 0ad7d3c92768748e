/** Opening a run of one column: its models, its passes, and its long texts in pieces. */

import type { Job } from "./enrich-run.ts";
import { openPasses } from "./passes/pass-session.ts";
import type { MakePasses } from "./passes/passes.ts";
import { openPieces, type OpenSession } from "./steps/piece-session.ts";
import { keepingSession } from "./session/keeping-session.ts";
import { openSession } from "./session/session.ts";
import { withKey } from "./row-key.ts";
import type { Settings } from "./session/settings.ts";

/**
 * Opens the session of a run of one column, with its model; the settings are read when the run starts.
 * `makePasses` says whether another model is asked as well.
 */
export function openColumn(
  settings: () => Promise<Settings>,
  makePasses: MakePasses = () => Promise.resolve(null),
): Job<unknown>["open"] {
  return async (conduct, place) => {
    const given = await settings();
    const models = [given.model];
    const closeModels = async (): Promise<void> => {
      for (const { provider } of models) await provider.close();
    };
    try {
      const passes = await makePasses(given);
      if (passes !== null) models.push(passes.plan.other.model);
      const placed = { ...(passes?.settings ?? given), runDir: await place(given) };
      const open: OpenSession =
        passes === null ? openSession : (settings, own) => openPasses(settings, own, passes.plan);
      const opened =
        placed.long?.onLong === "chunk"
          ? await openPieces(placed, conduct, open)
          : await open(placed, conduct);
      const session = keepingSession(opened);
      // Over a file, a run's directory is of the same rows; of rows in memory it is of the same prompts.
      const isKnown = typeof given.memo["input"] === "string";
      return {
        session: withKey(session, given.key ?? null, isKnown),
        close: async () => {
          await session[Symbol.asyncDispose]();
          await closeModels();
        },
      };
    } catch (error) {
      await closeModels();
      throw error;
    }
  };
}
