/** What a provider keeps of a run is deleted once it has been collected, unless that is refused, at every provider that keeps files. */

import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { enrichColumn } from "../src/index.ts";
import { USUAL_TRAITS } from "../src/testing/traits.ts";
import { PROOFS } from "./contract/providers.ts";

const KEEPERS = PROOFS.filter(({ batches }) => (batches?.files ?? USUAL_TRAITS.files) > 0).filter(
  ({ batches }) => batches !== null,
);

const ROWS = 20;

describe.each(KEEPERS)("$name", ({ connect, batches }) => {
  it.each([
    ["deletes what it uploaded and what came of it", false],
    ["leaves both where that is asked for", true],
  ])("%s", async (_, keepRemote) => {
    // Some rows fail, so that there are files of every kind.
    const { service, provider } = await connect({ faults: { failRows: 0.5 }, seed: 7 });
    const frame = pl.DataFrame({
      text: Array.from({ length: ROWS }, (__, at) => `row ${String(at)}`),
    });
    const model = { provider, model: "m" };
    const options = {
      runDir: null,
      pollEveryMs: 5,
      retries: 0,
      lane: "batch",
      keepRemote,
    } as const;
    const receipt = await enrichColumn(frame, "{{ text }}", model, options).report();
    expect(receipt.rows.ok).toBeGreaterThan(0);
    expect(receipt.rows.failed).toBeGreaterThan(0);
    expect(receipt.batches).toHaveLength(1);
    expect(service.stats?.().fileDeletions).toBe(
      keepRemote ? 0 : (batches?.files ?? USUAL_TRAITS.files),
    );
    await service.close();
  });
});

it("is tried at every provider of batches but those that keep no files", () => {
  const tried = new Set(KEEPERS.map(({ provider }) => provider));
  const others = PROOFS.filter(({ batches, provider }) => batches !== null && !tried.has(provider));
  expect(tried.size).toBeGreaterThan(8);
  expect(others.map(({ provider }) => provider)).toEqual(["anthropic"]);
});
