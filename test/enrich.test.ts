import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import pl from "nodejs-polars";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BatchframeError } from "../src/core/errors.ts";
import {
  startEmulator,
  table,
  type Emulator,
  type EmulatorOptions,
} from "../src/emulator/emulator.ts";
import { enrichColumn, enrichFile } from "../src/enrich.ts";
import type { ModelSpec } from "../src/provider/models.ts";

let folder: string;
let emulator: Emulator;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "enrich-"));
});
afterEach(async () => {
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function start(options: EmulatorOptions = {}): Promise<ModelSpec> {
  emulator = await startEmulator({ seed: 5, ...options });
  return {
    provider: "openai",
    model: "m",
    baseUrl: emulator.url,
    apiKey: "test-key",
    settleMs: 50,
  };
}

/** The options of every run here: its memory in the test's folder, and quick looks. */
function here<const O extends object>(more: O): O & { runDir: string; pollEveryMs: number } {
  return { ...more, runDir: join(folder, "runs"), pollEveryMs: 5 };
}

async function failureOf(act: () => PromiseLike<unknown>): Promise<BatchframeError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof BatchframeError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

const sent = (): number => emulator.requests().filter(({ method }) => method === "POST").length;

const frame = (): pl.DataFrame<{ id: pl.Int64; text: pl.String }> =>
  pl.DataFrame({
    id: pl.Series("id", [1, 2, 3, 4], pl.Int64),
    text: pl.Series("text", ["a", "b", null, "a"], pl.String),
  });

describe("enrichColumn", () => {
  it("adds the answer, its status and its error after untouched columns, in order", async () => {
    const model = await start();
    const given = frame();
    const result = await enrichColumn(given, "say {{ text }}", model, here({ column: "said" }));
    expect(result.columns).toEqual(["id", "text", "said", "said_status", "said_error"]);
    expect(result.select("id", "text").toRecords()).toEqual(given.toRecords());
    expect(result.getColumn("said").toArray()).toEqual(["say a", "say b", null, "say a"]);
    expect(result.getColumn("said_status").toArray()).toEqual(["ok", "ok", "skipped", "ok"]);
    expect(result.getColumn("said_error").toArray()).toEqual([null, null, null, null]);
    expect(given.columns).toEqual(["id", "text"]);
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("does nothing before it is awaited, and runs once however often it is awaited", async () => {
    const model = await start();
    const run = enrichColumn(frame(), "{{ text }}", model, here({}));
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(emulator.requests()).toEqual([]);
    expect(existsSync(join(folder, "runs"))).toBe(false);
    expect(run.progress()).toBeNull();
    const [one, other] = await Promise.all([run, run]);
    expect(other).toBe(one);
    expect(await run.result()).toBe(one);
    expect(await run.report()).toMatchObject({
      rows: { total: 4, ok: 3, cached: 0, skipped: 1, failed: 0 },
      skippedBy: { blank: 1 },
      requests: 2,
      duplicates: 1,
      costUsd: null,
      output: null,
    });
    expect(run.progress()).toMatchObject({ phase: "done", answered: 2 });
    expect(emulator.stats().batchesCreated).toBe(1);
  });

  it("plans without sending, and the run takes the plan over", async () => {
    const model = await start();
    const run = enrichColumn(frame(), "{{ text }}", model, here({}));
    expect(await run.plan()).toMatchObject({ rows: 4, requests: 2, duplicates: 1, chunks: 1 });
    expect(emulator.requests()).toEqual([]);
    await run;
    expect(emulator.stats().rowsExecuted).toBe(2);
  });

  it("gives its rows one by one, with why a row failed", async () => {
    const model = await start({ faults: { failRows: { containing: '"b"', status: 400 } } });
    const rows = [];
    for await (const row of enrichColumn(frame(), "{{ text }}", model, here({}))) rows.push(row);
    expect(rows).toEqual([
      { row: 0, status: "ok", value: "a", toolCalls: [], error: null },
      {
        row: 1,
        status: "failed",
        value: null,
        toolCalls: [],
        error: { code: "invalid_input", message: expect.stringContaining("HTTP 400") as string },
      },
      { row: 2, status: "skipped", value: null, toolCalls: [], error: null },
      { row: 3, status: "ok", value: "a", toolCalls: [], error: null },
    ]);
  });

  it("may be planned, watched, read twice and awaited at once: one session serves all", async () => {
    const model = await start({ runMs: 100 });
    const run = enrichColumn(frame(), "{{ text }}", model, here({})).start();
    const read = async (): Promise<number> => {
      let rows = 0;
      for await (const row of run) rows += row.status === "ok" ? 1 : 0;
      return rows;
    };
    const together = await Promise.all([run.plan(), run.plan(), read(), read(), run.report()]);
    const [plan, again, first, second, receipt] = together;
    expect([plan.requests, again.requests, first, second, receipt.rows.ok]).toEqual([
      2, 2, 3, 3, 3,
    ]);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, rowsExecuted: 2 });
    expect(await run.collect()).toBe(true);
  });

  it("asks only the rows within the limit", async () => {
    const model = await start();
    const result = await enrichColumn(frame(), "{{ text }}", model, here({ limit: 1 }));
    expect(result.getColumn("enriched_status").toArray()).toEqual([
      "ok",
      ...Array<string>(3).fill("skipped"),
    ]);
  });

  it("reads labels, counts them, and flags what is none of them", async () => {
    const answer = table((text) => (text === "a" ? '{"label":"yes"}' : '{"label":"perhaps"}'));
    const model = await start({ answer });
    const output = { labels: { yes: "", no: "" } };
    const run = enrichColumn(frame(), "{{ text }}", model, here({ output, system: "Judge." }));
    const result = await run;
    expect(result.getColumn("enriched").toArray()).toEqual(["yes", null, null, "yes"]);
    expect(result.getColumn("enriched_error").toArray()).toEqual([
      null,
      "invalid_output",
      null,
      null,
    ]);
    expect((await run.report()).labels).toEqual({ yes: 2, no: 0 });
  });

  it("takes a function of the row, giving text, parts, messages or nothing", async () => {
    const model = await start();
    const run = enrichColumn(
      frame(),
      (row) => {
        const { id, text } = row;
        if (typeof text !== "string" || typeof id !== "number") return null;
        if (id === 1) return [{ role: "user", content: `list ${text}` }];
        return id === 2 ? { system: "Be brief.", user: "parts" } : `text ${id}`;
      },
      model,
      here({ system: "Be kind." }),
    );
    expect((await run).getColumn("enriched").toArray()).toEqual([
      "list a",
      "parts",
      null,
      "text 4",
    ]);
    const messages = [
      { role: "system", content: "Be kind." },
      { role: "user", content: "text 4" },
    ];
    expect(emulator.executions({ body: { model: "m", messages } })).toBe(1);
  });

  it("keeps a frame without rows, correctly typed, or says there is nothing to ask", async () => {
    const model = await start();
    const none = frame().filter(pl.lit(false));
    const error = await failureOf(() => enrichColumn(none, "{{ text }}", model, here({})));
    expect(error.code).toBe("nothing_to_ask");
    // The cache belongs to all runs and stays.
    expect(await readdir(join(folder, "runs"))).toEqual(["cache.sqlite"]);
    expect(emulator.requests()).toEqual([]);
  });
});

describe("the same call again", () => {
  it("sends nothing and gives the same frame", async () => {
    const model = await start();
    const first = await enrichColumn(frame(), "{{ text }}", model, here({}));
    const calls = emulator.requests().length;
    const second = await enrichColumn(frame(), "{{ text }}", model, here({}));
    expect(second.toRecords()).toEqual(first.toRecords());
    expect(emulator.requests()).toHaveLength(calls);
  });

  it("is another run when anything that decides the answer has changed", async () => {
    const model = await start();
    const ask = async (
      template: string | (() => string),
      more: Parameters<typeof enrichColumn>[3] = {},
      rows = frame(),
    ): Promise<string> => {
      const options = here(more);
      const run =
        typeof template === "string"
          ? enrichColumn(rows as pl.DataFrame, template, model, options)
          : enrichColumn(rows as pl.DataFrame, template, model, options);
      return (await run.report()).run;
    };
    let closure = "one";
    const labels = (...names: [string, ...string[]]): { output: { labels: typeof names } } => ({
      output: { labels: names },
    });
    const ids = [
      await ask("{{ text }}"),
      await ask("{{ text }}!"),
      await ask("{{ text }}", { system: "S" }),
      await ask("{{ text }}", { limit: 2 }),
      await ask("{{ text }}", { column: "other" }),
      await ask("{{ text }}", { onNull: "empty" }),
      await ask("{{ text }}", { params: { temperature: 0 } }),
      await ask("{{ text }}", labels("x", "y")),
      await ask("{{ text }}", labels("y", "x")),
      await ask("{{ text }}", { output: { labels: { x: "described", y: "" } } }),
      await ask("{{ text }}", {}, frame().head(2)),
      await ask(() => closure),
    ];
    closure = "two";
    ids.push(await ask(() => closure));
    expect(new Set(ids).size).toBe(ids.length);
    expect(await ask(() => closure)).toBe(ids.at(-1));
    expect(await ask("{{ text }}")).toBe(ids[0]);
  });

  it("does not depend on how it is sent", async () => {
    const model = await start();
    await enrichColumn(frame(), "{{ text }}", model, here({}));
    const posts = sent();
    const again = here({ chunkRows: 1, retries: 0, keepRemote: true });
    await enrichColumn(frame(), "{{ text }}", model, again);
    expect(sent()).toBe(posts);
  });

  it("under a name that other settings have taken is refused", async () => {
    const model = await start();
    await enrichColumn(frame(), "{{ text }}", model, here({ name: "mine" }));
    const posts = sent();
    const error = await failureOf(() =>
      enrichColumn(frame(), "{{ text }}!", model, here({ name: "mine" })),
    );
    expect(error).toMatchObject({ name: "StoreError", code: "run_differs" });
    expect(error.message).toContain("Nothing was sent");
    expect(sent()).toBe(posts);
  });

  it("under a name whose rows went elsewhere says where", async () => {
    const model = await start();
    await enrichColumn(frame(), "{{ text }}", model, here({ name: "moved" }));
    const elsewhere = { ...model, baseUrl: "http://127.0.0.1:9/v1" };
    const error = await failureOf(() =>
      enrichColumn(frame(), "{{ text }}", elsewhere, here({ name: "moved" })),
    );
    expect(error).toMatchObject({ code: "run_differs" });
    expect(error.message).toMatch(
      /was started at 127\.0\.0\.1:\d+, and would be gone on with at 127\.0\.0\.1:9\. Nothing was sent/,
    );
  });

  it("retries failed rows only when asked, and only those with the codes named", async () => {
    const model = await start({ faults: { failRows: { containing: '"b"', status: 400 } } });
    const run = enrichColumn(frame(), "{{ text }}", model, here({}));
    expect((await run.report()).failedBy).toEqual({ invalid_input: 1 });
    emulator.setFaults({});
    const posts = sent();
    expect((await run.retry(["refused"]).report()).rows.failed).toBe(1);
    expect(sent()).toBe(posts);
    const result = await run.retry(["invalid_input"]);
    expect(result.getColumn("enriched").toArray()).toEqual(["a", "b", null, "a"]);
    expect(emulator.stats().bodiesBilledAgain).toBe(0);
  });
});

describe("a run that is interrupted", () => {
  it("leaves its batch alone when aborted, and the next call goes on with it", async () => {
    const model = await start({ faults: { stuck: 1 } });
    const stop = new AbortController();
    const run = enrichColumn(frame(), "{{ text }}", model, here({ signal: stop.signal }));
    run.on("progress", ({ phase }) => {
      if (phase === "running") stop.abort();
    });
    const error = await run.result().catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "AbortError" });
    expect(emulator.stats().calls["POST /batches/{id}/cancel"]).toBeUndefined();
    emulator.release();
    const result = await enrichColumn(frame(), "{{ text }}", model, here({}));
    expect(result.getColumn("enriched").toArray()).toEqual(["a", "b", null, "a"]);
    expect(emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
  });

  it.each(["GET /batches/{id}", "GET /files/{id}/content", "POST /batches"])(
    "tells the caller its own reason, also in the middle of %s, and nothing is bought twice",
    async (route) => {
      const model = await start();
      const stop = new AbortController();
      const reason = new Error("Enough.");
      const looking = setInterval(() => {
        if (emulator.stats().calls[route] !== undefined) stop.abort(reason);
      }, 1);
      emulator.setFaults({ delayMs: 30 });
      const run = enrichColumn(frame(), "{{ text }}", model, here({ signal: stop.signal }));
      expect(await run.result().catch((thrown: unknown) => thrown)).toBe(reason);
      clearInterval(looking);
      emulator.setFaults({});
      const result = await enrichColumn(frame(), "{{ text }}", model, here({}));
      expect(result.getColumn("enriched").toArray()).toEqual(["a", "b", null, "a"]);
      expect(emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
    },
  );

  it("is detached by leaving its block, and lets go of the run", async () => {
    const model = await start({ faults: { stuck: 1 } });
    {
      const run = enrichColumn(frame(), "{{ text }}", model, here({}));
      const running = new Promise<void>((resolve) => {
        run.on("progress", ({ phase }) => {
          if (phase === "running") resolve();
        });
      });
      run.start();
      await running;
      // What leaving an "await using" block calls.
      await run[Symbol.asyncDispose]();
    }
    emulator.release();
    expect(await enrichColumn(frame(), "{{ text }}", model, here({})).collect()).toBeTypeOf(
      "boolean",
    );
    await enrichColumn(frame(), "{{ text }}", model, here({}));
    expect(emulator.stats().batchesCreated).toBe(1);
  });

  it("is cancelled for good by cancel: what came is kept, the rest failed as cancelled", async () => {
    const model = await start({ faults: { stuck: 1 } });
    const run = enrichColumn(frame(), "{{ text }}", model, here({}));
    const running = new Promise<void>((resolve) => {
      run.on("progress", ({ phase }) => {
        if (phase === "running") resolve();
      });
    });
    run.start();
    await running;
    const receipt = await run.cancel();
    expect(receipt.rows).toEqual({ total: 4, ok: 0, cached: 0, skipped: 1, failed: 3 });
    expect(receipt.failedBy).toEqual({ cancelled: 3 });
    expect(emulator.stats().calls["POST /batches/{id}/cancel"]).toBe(1);
  });

  it("stops calling a listener that was taken off", async () => {
    const model = await start();
    const run = enrichColumn(frame(), "{{ text }}", model, here({}));
    const seen: string[] = [];
    const off = run.on("open", ({ id }) => seen.push(id));
    off();
    run.on("open", ({ resumed }) => seen.push(String(resumed)));
    await run;
    expect(seen).toEqual(["false"]);
  });
});

describe("anything wrong with the arguments", () => {
  it.each<[string, string, object, string]>([
    ["an unknown column", "{{ txet }}", {}, "unknown_column"],
    ["no column", "text", {}, "template_constant"],
    ["a broken template", "{{ text", {}, "template_syntax"],
    ["a column that exists", "{{ text }}", { column: "id" }, "column_exists"],
    ["a blank column name", "{{ text }}", { column: " " }, "column_name_blank"],
    ["labels given twice", "{{ text }}", { output: { labels: ["a", "a"] } }, "labels_invalid"],
    ["a name with a slash", "{{ text }}", { name: "../x" }, "run_name_invalid"],
    ["a limit of none", "{{ text }}", { limit: 0 }, "option_invalid"],
    ["half a chunk", "{{ text }}", { chunkRows: 0.5 }, "option_invalid"],
  ])("is refused before anything is made or sent: %s", async (_what, template, options, code) => {
    const model = await start();
    const rows = frame() as pl.DataFrame;
    const ask = async (): Promise<unknown> =>
      await enrichColumn(rows, template, model, here(options));
    const error = await failureOf(ask);
    expect(error).toMatchObject({ name: "InputError", code });
    expect(error.message).toContain("Nothing was sent");
    expect(existsSync(join(folder, "runs"))).toBe(false);
    expect(emulator.requests()).toEqual([]);
  });

  it("is refused when it is no dataframe, no model or no key", async () => {
    const model = await start();
    const code = async (act: () => PromiseLike<unknown>): Promise<string> =>
      (await failureOf(act)).code;
    const rows = frame();
    const noFrame = async (): Promise<unknown> =>
      await enrichColumn([{ text: "a" }] as unknown as pl.DataFrame, "{{ text }}", model);
    expect(await code(noFrame)).toBe("frame_invalid");
    expect(await code(() => enrichColumn(rows, "{{ text }}", "openai/", here({})))).toBe(
      "unknown_model",
    );
    expect(await code(() => enrichColumn(rows, "{{ text }}", "opnai/m", here({})))).toBe(
      "unknown_provider",
    );
    expect(await code(() => enrichColumn(rows, "{{ text }}", "openai/m", here({})))).toBe(
      "missing_key",
    );
    expect(emulator.requests()).toEqual([]);
  });

  it("a function that throws or gives nonsense names the row, and nothing is left behind", async () => {
    const model = await start();
    const thrower = await failureOf(() =>
      enrichColumn(
        frame(),
        (row) => {
          if (row.id === 2) throw new Error("No second row.");
          return "x";
        },
        model,
        here({}),
      ),
    );
    expect(thrower).toMatchObject({ code: "template_threw" });
    expect(thrower.message).toContain("row 2");
    const nonsense = (() => [{ role: "user" }]) as unknown as () => string;
    const odd = await failureOf(() => enrichColumn(frame(), nonsense, model, here({})));
    expect(odd.code).toBe("template_result");
    expect(emulator.requests()).toEqual([]);
  });

  it("never deletes what is not the run's own", async () => {
    const model = await start();
    const kept = join(folder, "runs", "mine", "thesis.txt");
    await enrichColumn(frame(), "{{ text }}", model, here({ name: "other" }));
    await mkdir(join(folder, "runs", "mine"));
    await writeFile(kept, "ten years of work");
    const none = frame().filter(pl.lit(false));
    const error = await failureOf(() =>
      enrichColumn(none, "{{ text }}", model, here({ name: "mine" })),
    );
    expect(error.code).toBe("nothing_to_ask");
    expect(await readFile(kept, "utf8")).toBe("ten years of work");
    expect(await readdir(join(folder, "runs", "mine"))).toEqual(["thesis.txt"]);
  });
});

describe("enrichFile", () => {
  it("leaves the input bytes alone and writes the same output again for nothing", async () => {
    const model = await start();
    const input = join(folder, "in.csv");
    const output = join(folder, "out.csv");
    const bytes = '\uFEFFid,"text"\r\n007,"a ""b""\nc"\r\n2,\r\n3,=SUM(A1)\r\n';
    await writeFile(input, bytes);
    const receipt = await enrichFile({ input, output }, "{{ text }}", model, here({ column: "x" }));
    expect(receipt).toMatchObject({
      rows: { total: 3, ok: 2, skipped: 1 },
      neutralisedCells: 1,
      output,
    });
    expect(await readFile(input, "utf8")).toBe(bytes);
    const written = await readFile(output, "utf8");
    const rows = parse(written, { bom: true });
    expect(rows.map((row) => row.slice(0, 2))).toEqual(
      parse(bytes, { bom: true }).map((row) => row.slice(0, 2)),
    );
    expect(rows.map((row) => row[3])).toEqual(["x_status", "ok", "skipped", "ok"]);
    const posts = sent();
    await rm(output);
    await enrichFile({ input, output }, "{{ text }}", model, here({ column: "x" }));
    expect(await readFile(output, "utf8")).toBe(written);
    expect(sent()).toBe(posts);
    await writeFile(input, bytes.replace("007", "008"));
    // Another file is another run; what it asks was answered before.
    await enrichFile({ input, output }, "{{ text }}", model, here({ column: "x" }));
    expect(sent()).toBe(posts);
    expect(parse(await readFile(output), { bom: true })[1]?.[3]).toBe("cached");
  });
});

const BANKING = new URL("../../shared/data/banking77-train.csv", import.meta.url);

describe.runIf(existsSync(BANKING))("10,003 rows over a provider that misbehaves", () => {
  it("come back right or flagged, in order, with every input cell as it was", async () => {
    const answerOf = (text: string): string => `${String(text.length)}: ${text}`;
    const model = await start({
      answer: table(answerOf),
      faults: {
        dropRows: 0.01,
        duplicateRows: 0.01,
        failRows: { rate: 0.01, status: 500 },
      },
    });
    const output = join(folder, "out.csv");
    const run = enrichFile(
      { input: BANKING.pathname, output },
      "{{ text }}",
      model,
      here({ column: "answer", chunkRows: 2000, lane: "batch" }),
    );
    const receipt = await run;
    const before = parse(await readFile(BANKING));
    const after = parse(await readFile(output));
    expect(receipt.rows.total).toBe(10_003);
    expect(after).toHaveLength(before.length);
    expect(after.map((row) => row.slice(0, 2))).toEqual(before);
    const wrong: string[][] = [];
    let failed = 0;
    for (const row of after.slice(1)) {
      const [text = "", , answer, status, error] = row;
      if (status === "failed") {
        failed += 1;
        if (answer !== "" || error === "") wrong.push(row);
      } else if (status !== "ok" || answer !== answerOf(text) || error !== "") wrong.push(row);
    }
    expect(wrong).toEqual([]);
    expect(failed).toBe(receipt.rows.failed);
    expect(receipt.rows.ok + receipt.rows.failed).toBe(10_003);
    expect(failed).toBeLessThan(10);
    // Every sending is accounted for: a request is sent again for a lost or failed reply, and only then.
    const stats = emulator.stats();
    expect(stats.rowsExecuted + stats.rowsFailed).toBe(receipt.requests + receipt.resent);
    expect(stats.customIdsBilledAgain).toBe(0);
    expect(receipt.requests + receipt.duplicates).toBe(10_003);
    expect(receipt.resent).toBeGreaterThan(100);
    expect(receipt.resent).toBeLessThan(350);
    expect(receipt.duplicateReplies).toBeGreaterThan(50);
  }, 120_000);
});
