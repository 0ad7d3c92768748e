/** Previews of a run of one column. */

import type { PassPlan } from "./passes/pass-session.ts";
import type { MakePasses } from "./passes/passes.ts";
import { previewOf, type PreviewJob, type PreviewTable } from "./previews/preview-run.ts";
import type { Settings } from "./session/settings.ts";

/** Previews of a run of one column: where it asks more than one model, of the one that is asked every row. */
export function columnPreview(
  settings: () => Promise<Settings>,
  makePasses: MakePasses,
  table: PreviewTable,
): PreviewJob {
  return (rows, { how, conduct }) =>
    previewOf(
      {
        settings: async () => {
          const given = await settings();
          const passes = await makePasses(given).catch(async (error: unknown) => {
            await given.model.provider.close();
            throw error;
          });
          if (passes === null) return given;
          const { plan } = passes;
          await plan.other.model.provider.close();
          const { first, followedBy }: PassPlan = plan;
          return { ...passes.settings, pass: { folder: `1-${first}`, followedBy } };
        },
        table,
      },
      rows,
      { how, conduct },
    );
}
