/** Running again pays for what is new, and for nothing else: by the emulator's books. */

import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../src/emulator/emulator.ts";
import { enrichFile, type EnrichOptions } from "../src/enrich.ts";
import type { OutputOption } from "../src/output/form.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "incremental-"));
  emulator = await startEmulator({ seed: 8 });
});
afterEach(async () => {
  await emulator.close();
});

type Options = EnrichOptions<"said", OutputOption>;
const LABELS = { labels: ["good", "bad"] } as const;

async function run(
  texts: readonly string[],
  options: Options = {},
  { template = "Say: {{ text }}", model = "gpt-test" } = {},
): Promise<{ readonly sent: number; readonly statuses: readonly string[] }> {
  const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
  await writeFile(input, `text\n${texts.join("\n")}\n`);
  const before = emulator.stats();
  const at = { baseUrl: emulator.url, apiKey: "k", settleMs: 50 };
  await enrichFile(
    { input, output },
    template,
    { provider: "openai", model, ...at },
    {
      ...{ column: "said", output: LABELS, lane: "batch" },
      ...{ runDir: join(folder, "runs"), pollEveryMs: 5 },
      ...options,
    },
  );
  const after = emulator.stats();
  const lines = (await readFile(output, "utf8")).trim().split("\n").slice(1);
  return {
    sent: after.rowsExecuted - before.rowsExecuted + after.liveCalls - before.liveCalls,
    statuses: lines.map((line) => line.split(",")[2] ?? ""),
  };
}

const FIRST = ["a", "b", "c", "d", "e"];

describe("running again", () => {
  it.each<[string, readonly string[], number]>([
    ["the same rows", FIRST, 0],
    ["rows added at the end", [...FIRST, "f", "g"], 2],
    ["rows added in front", ["y", "z", ...FIRST], 2],
    ["rows removed", ["a", "c", "e"], 0],
    ["rows in another order", FIRST.toReversed(), 0],
    ["rows repeated", [...FIRST, ...FIRST], 0],
    ["one row edited", ["a", "b", "C", "d", "e"], 1],
    ["all at once", ["e", "new", "a", "B", "e"], 2],
  ])("with %s sends only what is new", async (_what, texts, sent) => {
    expect((await run(FIRST)).sent).toBe(FIRST.length);
    const again = await run(texts);
    expect(again.sent).toBe(sent);
    expect(again.statuses.filter((status) => status === "ok" || status === "cached")).toHaveLength(
      texts.length,
    );
  });

  it.each<[string, Options]>([
    ["the chunks", { chunkRows: 2 }],
    ["the lane", { lane: "realtime" }],
    ["the time between looks", { pollEveryMs: 7 }],
    ["the retries", { retries: 1 }],
    ["the columns told besides", { meta: ["model", "tokens"] }],
    ["the prices", { prices: { "openai/gpt-test": { inputPerM: 1, outputPerM: 2 } } }],
    ["the column's name", { column: "other" as "said" }],
    ["the run's name", { name: "another" }],
    ["the rows asked", { limit: 3 }],
    ["a fallback that is not needed", { fallbackModel: "openai/gpt-other" }],
  ])("with a change of %s alone sends nothing", async (_what, options) => {
    process.env["OPENAI_API_KEY"] = "k";
    await run(FIRST);
    expect((await run(FIRST, options)).sent).toBe(0);
    delete process.env["OPENAI_API_KEY"];
  });

  it.each<[string, Options, { template?: string; model?: string }]>([
    ["the prompt", {}, { template: "Tell: {{ text }}" }],
    ["the model", {}, { model: "gpt-other" }],
    ["the instructions", { system: "Be brief." }, {}],
    ["what is asked for", { output: { labels: ["good", "bad", "mixed"] } }, {}],
    ["the sampling", { temperature: 0.1 }, {}],
  ])(
    "with another %s asks everything, and the old answers stay for the old question",
    async (_what, options, how) => {
      await run(FIRST);
      expect((await run(FIRST, options, how)).sent).toBe(FIRST.length);
      expect((await run([...FIRST, "f"])).sent).toBe(1);
    },
  );

  it("with refresh asks everything once more, and keeps the new answers", async () => {
    await run(FIRST);
    expect((await run(FIRST, { cache: "refresh" })).sent).toBe(FIRST.length);
    expect((await run([...FIRST, "f"])).sent).toBe(1);
  });

  it("without the cache neither takes answers nor leaves any", async () => {
    await run(FIRST, { cache: false });
    expect((await run([...FIRST, "f"])).sent).toBe(FIRST.length + 1);
    expect((await run([...FIRST, "g"], { cache: false })).sent).toBe(FIRST.length + 1);
  });

  it("asks again what failed, and only that", async () => {
    emulator.setFaults({ refuseRows: { containing: "Say: c" } });
    expect((await run(FIRST)).statuses).toEqual(["ok", "ok", "failed", "ok", "ok"]);
    emulator.setFaults({});
    const again = await run([...FIRST, "f"]);
    expect(again).toEqual({
      sent: 2,
      statuses: ["cached", "cached", "ok", "cached", "cached", "ok"],
    });
  });
});
