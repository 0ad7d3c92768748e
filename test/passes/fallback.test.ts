import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import { enrichColumn, enrichFile, type EnrichOptions } from "../../src/enrich.ts";
import { failuresOf } from "../../src/runs/failures.ts";
import type { OutputOption } from "../../src/output/form.ts";
import { reparseRun } from "../../src/reparse.ts";
import { resumeRun } from "../../src/resume-run.ts";
import { cancelRun, findRun, listRuns, removeRun } from "../../src/runs/runs.ts";
import { openDatabase } from "../../src/store/sqlite-open.ts";
import { filter } from "../../src/verbs/filter.ts";

let emulator: Emulator;
let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "fallback-"));
  vi.stubEnv("OPENAI_API_KEY", "k");
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await emulator.close();
});

type Says = (text: string, model: string) => { content?: string; refusal?: string };

/** A service whose models say what a test decides from the text and the model's name. */
async function start(says: Says, options: EmulatorOptions = {}): Promise<void> {
  emulator = await startEmulator({
    seed: 5,
    answer: ({ body }) => {
      const { messages, model: name } = body as unknown as {
        messages: { content: string }[];
        model: string;
      };
      const said = says(
        messages.findLast(({ content }) => content.includes("<"))?.content ?? "",
        name,
      );
      return {
        content: said.content ?? null,
        ...(said.refusal === undefined ? {} : said),
      };
    },
    ...options,
  });
}

const asked = (): Record<string, number> => {
  const counts: Record<string, number> = {};
  for (const name of ["small", "large"]) counts[name] = sentTo(name);
  return counts;
};
let bodies: string[] = [];
const sentTo = (name: string): number => bodies.filter((it) => it.startsWith(`${name}:`)).length;

/** The small model refuses what begins with "bad" and the large one what begins with "worse". */
const refusing: Says = (text, name) => {
  bodies.push(`${name}:${text}`);
  const isRefused = text.includes("<worse") || (name === "small" && text.includes("<bad"));
  return isRefused ? { refusal: "I cannot." } : { content: `${name} on ${text}` };
};

beforeEach(() => {
  bodies = [];
});

const model = (name: string) =>
  ({ provider: "openai", model: name, baseUrl: emulator.url, apiKey: "k", settleMs: 50 }) as const;

const options = () => ({
  column: "x",
  fallbackModel: model("large"),
  runDir: folder,
  pollEveryMs: 5,
});

const column = (df: unknown, name: string): unknown[] =>
  (df as pl.DataFrame).getColumn(name).toArray();

const TEXTS = ["good", "bad", null, "worse", "bad", "bad two"];

describe("a fallback", () => {
  it("answers what the first model failed, once, and each row says who answered", async () => {
    await start(refusing);
    const frame = pl.DataFrame({ text: TEXTS });
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), {
      ...options(),
      meta: ["model", "cost", "attempts", "run"],
      prices: {
        "openai/small": { inputPerM: 1, outputPerM: 1 },
        "openai/large": { inputPerM: 9, outputPerM: 9 },
      },
    });
    expect((await run.plan()).warnings.join()).toMatch(
      /openai\/large; .* nor their cost is in the plan/,
    );
    const result = await run;
    expect((result as unknown as pl.DataFrame).columns).toEqual([
      ...["text", "x", "x_status", "x_error", "x_model", "x_cost", "x_attempts", "x_run"],
    ]);
    const said = (name: string, text: string): string => `${name} on <${text}>`;
    expect(column(result, "x")).toEqual([
      ...[
        said("small", "good"),
        said("large", "bad"),
        null,
        null,
        said("large", "bad"),
        said("large", "bad two"),
      ],
    ]);
    expect(column(result, "x_status")).toEqual(["ok", "ok", "skipped", "failed", "ok", "ok"]);
    expect(column(result, "x_error")).toEqual([null, null, null, "refused", null, null]);
    const { run: id } = await run.report();
    expect(column(result, "x_run")).toEqual([id, id, null, id, id, id]);
    const who = column(result, "x_model") as (string | null)[];
    expect(who.map((name) => name?.slice(0, 5) ?? null)).toEqual([
      ...["small", "large", null, null, "large", "large"],
    ]);
    expect(column(result, "x_attempts").map((it) => (it === null ? null : Number(it)))).toEqual([
      1,
      2,
      null,
      2,
      2,
      2,
    ]);
    expect(asked()).toEqual({ small: 4, large: 3 });
    const receipt = await run.report();
    expect(receipt.rows).toEqual({ total: 6, ok: 4, cached: 0, skipped: 1, failed: 1 });
    expect(receipt).toMatchObject({
      skippedBy: { blank: 1 },
      failedBy: { refused: 1 },
      requests: 7,
    });
    expect(receipt.passes).toMatchObject([
      { role: "main", model: "openai/small", rows: 5, answers: 1, failed: 4, cameFor: {} },
      {
        role: "fallback",
        model: "openai/large",
        rows: 4,
        answers: 3,
        failed: 1,
        cameFor: { refused: 4 },
      },
    ]);
    const costs = (column(result, "x_cost") as (number | null)[]).reduce<number>(
      (sum, it) => sum + (it ?? 0),
      0,
    );
    expect(receipt.costUsd).toBeGreaterThan(0);
    expect(costs).toBeCloseTo(receipt.costUsd ?? 0, 9);
    expect(receipt.passes?.reduce((sum, { costUsd }) => sum + (costUsd ?? 0), 0)).toBeCloseTo(
      receipt.costUsd ?? 0,
      9,
    );
    const rows = await Array.fromAsync(run);
    expect(rows.map(({ value }) => value)).toEqual(column(result, "x"));
  });

  it("costs nothing more when the same call is made again, and is not made where nothing failed", async () => {
    await start(refusing);
    const frame = pl.DataFrame({ text: TEXTS });
    const call = { ...options(), cache: false } as const;
    const first = await enrichColumn(frame, "<{{ text }}>", model("small"), call);
    const again = await enrichColumn(frame, "<{{ text }}>", model("small"), call);
    expect(column(again, "x")).toEqual(column(first, "x"));
    expect(asked()).toEqual({ small: 4, large: 3 });
    const well = enrichColumn(
      pl.DataFrame({ text: ["good"] }),
      "<{{ text }}>",
      model("small"),
      call,
    );
    expect((await well.report()).passes).toHaveLength(1);
    expect(sentTo("large")).toBe(3);
  });

  it("is never asked about rows that were not sent", async () => {
    await start(refusing);
    const frame = pl.DataFrame({ text: ["good", null, "much too long a text"] });
    const result = await enrichColumn(frame, "<{{ text }}>", model("small"), {
      ...options(),
      onNull: "fail",
      maxChars: 10,
    });
    expect(column(result, "x_error")).toEqual([null, "invalid_input", "too_long"]);
    expect(sentTo("large")).toBe(0);
  });

  it.each<[string, EmulatorOptions, string]>([
    ["cut off", { faults: { truncateRows: { containing: "bad" } } }, "truncated"],
    [
      "that fail at the provider",
      { faults: { failRows: { containing: "bad", status: 500 } } },
      "provider_error",
    ],
    ["that never came back", { faults: { dropRows: { containing: "bad" } } }, "missing"],
    ["that expired", { faults: { expireRows: { containing: "bad" } } }, "expired"],
  ])("takes rows %s", async (_what, emulated, code) => {
    let isFirst = true;
    await start((text, name) => {
      // The faults are the first model's.
      if (name === "large" && isFirst) emulator.setFaults({});
      if (name === "large") isFirst = false;
      return { content: `${name} on ${text}` };
    }, emulated);
    const frame = pl.DataFrame({ text: ["good", "bad"] });
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), { ...options(), retries: 0 });
    run.on("progress", ({ requests }) => {
      if (requests > 2) emulator.setFaults({});
    });
    const receipt = await run.report();
    expect(receipt.rows).toMatchObject({ ok: 2, failed: 0 });
    expect(receipt.passes?.[1]?.cameFor).toEqual({ [code]: 1 });
  });

  it("takes the rows of a batch that stalled", async () => {
    await start(refusing, { faults: { stuck: { count: 1 } } });
    const frame = pl.DataFrame({ text: ["one", "two"] });
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), {
      ...options(),
      retries: 0,
      stallMs: 1500,
    });
    const receipt = await run.report();
    expect(receipt.rows).toMatchObject({ ok: 2 });
    expect(receipt.passes?.[1]).toMatchObject({ role: "fallback", rows: 2, answers: 2 });
  });

  it("goes over files, and is one run: listed, shown, read, gone on with and removed as one", async () => {
    await start(refusing);
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, "id,text\n01,good\n02,bad\n03,worse\n04,\n");
    const given = { ...options(), runDir: join(folder, "runs"), name: "both" };
    await enrichFile({ input, output }, "<{{ text }}>", model("small"), given);
    const written = await readFile(output, "utf8");
    expect(written).toBe(
      "id,text,x,x_status,x_error\n01,good,small on <good>,ok,\n02,bad,large on <bad>,ok,\n03,worse,,failed,refused\n04,,,skipped,\n",
    );
    const { runs, unreadable } = await listRuns(given.runDir);
    expect([runs.length, unreadable]).toEqual([1, []]);
    const status = await findRun("both", given.runDir);
    expect(status).toMatchObject({
      model: "openai/small, openai/large",
      column: "x",
      output,
      plan: { rows: 4, requests: 3 },
      progress: { phase: "done", requests: 5, answered: 2, failed: 3 },
    });
    expect(status.finishedAt).not.toBeNull();
    expect(status.passes.map(({ model: by }) => by)).toEqual(["openai/small", "openai/large"]);
    const failed = await Array.fromAsync(failuresOf(status));
    expect(failed).toMatchObject([{ row: 2, code: "refused" }]);
    expect(failed[0]?.message).toContain("openai/small before: refused");
    await writeFile(output, "gone");
    await resumeRun(status, { pollEveryMs: 5 });
    expect(await readFile(output, "utf8")).toBe(written);
    await reparseRun(status);
    expect(asked()).toEqual({ small: 3, large: 2 });
    await removeRun(status);
    expect((await listRuns(given.runDir)).runs).toEqual([]);
  });

  it("goes on where it was killed before the second pass was recorded in its store", async () => {
    await start(refusing);
    const [input, output] = [join(folder, "in.csv"), join(folder, "out.csv")];
    await writeFile(input, "id,text\n01,good\n02,bad\n");
    const given = { ...options(), runDir: join(folder, "runs"), name: "both" };
    const run = () => enrichFile({ input, output }, "<{{ text }}>", model("small"), given);
    await run();
    const written = await readFile(output, "utf8");
    const directory = join(given.runDir, "both");
    // As a process leaves it that is killed between making the store and recording the run in it.
    await rm(join(directory, "passes.json"));
    await rm(join(directory, "2-fallback"), { recursive: true });
    await mkdir(join(directory, "2-fallback"));
    openDatabase(join(directory, "2-fallback", "run.sqlite"), false).close();
    const { runs, unreadable } = await listRuns(given.runDir);
    expect([runs.map(({ passes }) => passes.length), unreadable]).toEqual([[1], []]);
    const copy = join(folder, "copies");
    await cp(given.runDir, copy, { recursive: true });
    await removeRun(await findRun("both", copy));
    expect(await listRuns(copy)).toEqual({ runs: [], unreadable: [] });
    await rm(output);
    await run();
    // The answers of what was removed are kept.
    const again = written.replace("large on <bad>,ok", "large on <bad>,cached");
    expect(await readFile(output, "utf8")).toBe(again);
    expect((await findRun("both", given.runDir)).passes).toHaveLength(2);
    expect(sentTo("small")).toBe(2);
  });

  it("is what a retry asks again; the first model is not paid for what it failed", async () => {
    let isWell = false;
    await start((text, name) =>
      isWell && name === "large" ? { content: "well" } : refusing(text, name),
    );
    const frame = pl.DataFrame({ text: TEXTS });
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), options());
    await run;
    expect(asked()).toEqual({ small: 4, large: 3 });
    isWell = true;
    const result = await run.retry();
    expect(column(result, "x")[3]).toBe("well");
    expect(column(result, "x_status")).toEqual(["ok", "ok", "skipped", "ok", "ok", "ok"]);
    expect(sentTo("small")).toBe(4);
  });

  it("is not begun once the run was cancelled, and takes its rows after a retry", async () => {
    await start(refusing, { faults: { stuck: 1 } });
    const frame = pl.DataFrame({ text: ["good", "bad"] });
    const call = { ...options(), name: "stopped" };
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), call);
    run.start();
    while (emulator.stats().batchesCreated < 1) await new Promise((done) => setTimeout(done, 5));
    cancelRun(await findRun("stopped", folder));
    const receipt = await run.report();
    expect(receipt.rows).toMatchObject({ failed: 2 });
    expect(receipt.passes).toHaveLength(1);
    emulator.setFaults({});
    await enrichColumn(frame, "<{{ text }}>", model("small"), call);
    expect(sentTo("large")).toBe(0);
    const retried = await enrichColumn(frame, "<{{ text }}>", model("small"), call)
      .retry()
      .report();
    expect(retried.rows).toMatchObject({ ok: 2, failed: 0 });
    expect(retried.passes).toHaveLength(2);
  });

  it("is another run than one without it, and never takes over that one's directory", async () => {
    await start(refusing);
    const frame = pl.DataFrame({ text: ["bad"] });
    const { fallbackModel: _none, ...alone } = options();
    await enrichColumn(frame, "<{{ text }}>", model("small"), { ...alone, name: "mine" });
    const taken = enrichColumn(frame, "<{{ text }}>", model("small"), {
      ...options(),
      name: "mine",
    });
    await expect(Promise.resolve(taken)).rejects.toMatchObject({ code: "run_differs" });
    expect(sentTo("large")).toBe(0);
    const both = await enrichColumn(frame, "<{{ text }}>", model("small"), options());
    expect(column(both, "x")).toEqual(["large on <bad>"]);
  });

  it("is held by one cap with the first model, and goes on under a higher one", async () => {
    await start(refusing);
    const texts = Array.from({ length: 12 }, (_, row) => `bad ${String(row)}`);
    const dear = { inputPerM: 1000, outputPerM: 1000, batchShare: 1 };
    const prices = { "openai/small": dear, "openai/large": dear };
    const ask = (more: { maxCostUsd?: number; runDir?: string }) =>
      enrichColumn(pl.DataFrame({ text: texts }), "<{{ text }}>", model("small"), {
        ...{ ...options(), chunkRows: 2, maxTokens: 12, prices, cache: false, name: "capped" },
        ...more,
      });
    const whole = await ask({ runDir: join(folder, "uncapped") }).report();
    const [main = 0, fallback = 0] = whole.passes?.map(({ costUsd }) => costUsd ?? 0) ?? [];
    bodies = [];
    const maxCostUsd = main + fallback / 2;
    const stopped = await Promise.resolve(ask({ maxCostUsd })).then(
      () => null,
      (error: unknown) => error,
    );
    expect(stopped).toMatchObject({ code: "budget_reached" });
    expect(sentTo("small")).toBe(12);
    expect(sentTo("large")).toBeGreaterThan(0);
    expect(sentTo("large")).toBeLessThanOrEqual(6);
    const receipt = await ask({ maxCostUsd: 2 * (main + fallback) }).report();
    expect(receipt.rows).toMatchObject({ ok: 12 });
    expect(receipt.costUsd).toBeCloseTo(main + fallback, 6);
    expect(asked()).toEqual({ small: 12, large: 12 });
  });

  it("cannot be held by a cap without a price, which is told before anything is sent", async () => {
    await start(refusing);
    const prices = { "openai/small": { inputPerM: 1, outputPerM: 1 } };
    const run = enrichColumn(pl.DataFrame({ text: TEXTS }), "<{{ text }}>", model("small"), {
      ...{ ...options(), prices, maxCostUsd: 1 },
    });
    await expect(Promise.resolve(run)).rejects.toMatchObject({ code: "price_unknown" });
    expect(emulator.requests()).toEqual([]);
  });

  it("keeps rows by the answer it gave", async () => {
    await start((text, name) =>
      name === "small"
        ? { refusal: "no" }
        : { content: JSON.stringify({ answer: text.includes("yes") }) },
    );
    const frame = pl.DataFrame({ text: ["<yes>", "<no>"] });
    const kept = await filter(
      frame,
      { ...options(), text: "text", condition: "it says yes", keepRows: true },
      model("small"),
    );
    expect(column(kept, "text")).toEqual(["<yes>"]);
  });

  it("is asked only about the pieces of a long text that failed", async () => {
    await start(refusing);
    const long = `${"good word ".repeat(5)}bad ${"good word ".repeat(5)}`;
    const frame = pl.DataFrame({ text: [long, "short"] });
    const run = enrichColumn(frame, "<{{ text }}>", model("small"), {
      ...options(),
      maxChars: 40,
      onLong: "chunk",
    });
    const result = await run;
    expect(column(result, "x_status")).toEqual(["ok", "ok"]);
    expect(sentTo("large")).toBeLessThan(sentTo("small"));
  });

  it.each<[string, Partial<EnrichOptions<"x", OutputOption>>, string]>([
    ["the same model", { fallbackModel: "same" }, "option_unsupported"],
    ["a model without its key", { fallbackModel: "anthropic/claude-x" }, "missing_key"],
    ["vectors", { output: { embedding: true } }, "option_unsupported"],
    ["votes", { votes: 3, output: { labels: ["a", "b"] } }, "option_unsupported"],
    [
      "fields of another provider's requests",
      { params: { a: 1 }, fallbackModel: { provider: "mistral", model: "m", apiKey: "k" } },
      "option_unsupported",
    ],
  ])("is refused with %s, before anything is sent", async (_what, differing, code) => {
    await start(refusing);
    const frame = pl.DataFrame({ text: ["a"] });
    const all = { ...options(), ...differing } as EnrichOptions<"x", OutputOption>;
    const fallbackModel =
      (all.fallbackModel as unknown) === "same" ? model("small") : all.fallbackModel;
    const failure = await Promise.resolve()
      .then(() =>
        enrichColumn(frame, "<{{ text }}>", model("small"), {
          ...all,
          fallbackModel,
        } as typeof all),
      )
      .then(
        () => null,
        (error: unknown) => error,
      );
    expect(failure).toMatchObject({ code });
    expect(emulator.requests()).toEqual([]);
  });
});
