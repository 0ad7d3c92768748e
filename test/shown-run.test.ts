import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import { afterEach, describe, expect, it, vi } from "vitest";
import { DISPLAY, type Bundle, type Displayed } from "../src/display/bundle.ts";
import { enrichColumn, enrichColumns, enrichFile, InputError } from "../src/index.ts";

const LABELS = { labels: ["positive", "negative"] } as const;
const TEXTS = ["I love it", "I hate it", "<b>love</b>"];

function run(options: { readonly progress?: "none"; readonly runDir?: string } = {}) {
  return enrichColumn(pl.DataFrame({ text: TEXTS }), "{{ text }}", "embedded/use-lite", {
    column: "mood",
    output: LABELS,
    runDir: mkdtempSync(join(tmpdir(), "shown-")),
    ...options,
  });
}

async function shownOf(value: object): Promise<Bundle> {
  return await (value as Displayed)[DISPLAY]();
}

describe("what a run gives", () => {
  it("shows itself in a notebook: the plan, the receipt and the frame", async () => {
    const mine = run();
    const plan = await mine.plan();
    const frame = await mine;
    const receipt = await mine.report();
    expect((await shownOf(plan))["text/plain"]).toMatch(/^Plan: 3 rows, 3 requests to send\n/);
    expect((await shownOf(receipt))["text/plain"]).toMatch(/^✔ 3 rows = 3 ok/);
    const { "text/html": page } = await shownOf(frame);
    expect(page).toContain("3 rows × 4 columns");
    expect(page).toContain(">&lt;b&gt;love&lt;/b&gt;</td>");
    expect(Object.keys(await shownOf(frame))).toEqual(["text/html", "text/plain"]);
  });

  it("is otherwise what it was: for JSON, for comparisons and for copies", async () => {
    const mine = run();
    const plan = await mine.plan();
    const receipt = await mine.report();
    for (const value of [plan, receipt]) {
      const bare = JSON.parse(JSON.stringify(value)) as object;
      expect(value).toStrictEqual(bare);
      expect(Object.getOwnPropertySymbols({ ...value })).toEqual([]);
      expect(() => structuredClone(value)).not.toThrow();
    }
    expect((await mine).columns).toEqual(["text", "mood", "mood_status", "mood_error"]);
  });

  it("shows the receipts of several columns, the whole and each", async () => {
    const steps = [
      { column: "a", template: "{{ text }}", model: "embedded/use-lite", output: LABELS },
      { column: "b", template: "{{ text }}!", model: "embedded/use-lite", output: LABELS },
    ] as const;
    const runDir = mkdtempSync(join(tmpdir(), "shown-"));
    const receipt = await enrichColumns(pl.DataFrame({ text: TEXTS }), steps, { runDir }).report();
    expect((await shownOf(receipt))["text/plain"]).toMatch(/ {2}a +3 +0 +0 +0 +\$0\.00\n {2}b +3/);
    expect((await shownOf(receipt.steps?.["b"] ?? {}))["text/plain"]).toMatch(/^✔ 3 rows/);
  });
});

describe("a run in a notebook", () => {
  it("shows how it stands, and showing it starts nothing", async () => {
    const mine = run();
    expect((await shownOf(mine))["text/plain"]).toContain("A run that has not started");
    expect(mine.progress()).toBeNull();
    await mine;
    expect((await shownOf(mine))["text/plain"]).toMatch(/^✔ 3 rows = 3 ok/);
  });
});

interface Call {
  readonly bundle: Bundle;
  readonly options: {
    readonly raw: boolean;
    readonly display_id: string;
    readonly update: boolean;
  };
}

/** Stands in for Deno's kernel: what is shown through it, as Deno documents its arguments. */
function kernel(): Call[] {
  const calls: Call[] = [];
  const display = (bundle: Bundle, options: Call["options"]): Promise<void> => {
    calls.push({ bundle, options });
    return Promise.resolve();
  };
  vi.stubGlobal("Deno", { jupyter: { display } });
  return calls;
}

describe("the card of a run", () => {
  afterEach(() => {
    vi.unstubAllGlobals();
  });

  it("is shown once, changes in place and has ended as the receipt when the run is handed out", async () => {
    const calls = kernel();
    await run();
    expect(calls.length).toBeGreaterThan(1);
    expect(new Set(calls.map(({ options }) => options.display_id)).size).toBe(1);
    expect(calls.map(({ options }) => options.update)).toEqual(calls.map((_, at) => at > 0));
    expect(calls.at(-1)?.bundle["text/plain"]).toMatch(/^✔ 3 rows = 3 ok/);
    expect(calls.at(-1)?.bundle["text/html"]).toContain("embedded/use-lite");
  });

  it("ends with the reason where the run fails, which is thrown all the same", async () => {
    const calls = kernel();
    const input = join(tmpdir(), "no-such-file.csv");
    const failing = enrichFile({ input, output: "x.csv" }, "{{ text }}", "embedded/use-lite");
    await expect(failing).rejects.toBeInstanceOf(InputError);
    expect(calls.at(-1)?.bundle["text/plain"]).toMatch(/^! Stopped: .*no-such-file\.csv/);
  });

  it('is left out with `progress: "none"`, and where Deno has no notebook', async () => {
    const calls = kernel();
    await run({ progress: "none" });
    expect(calls).toEqual([]);
    const looked = vi.fn(() => {
      throw new Error("Deno.jupyter is only available in a notebook");
    });
    vi.stubGlobal("Deno", Object.defineProperty({}, "jupyter", { get: looked }));
    await run();
    expect(looked).toHaveBeenCalled();
  });
});
