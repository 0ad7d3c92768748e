import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, pointedAt, runsIn } from "./support.ts";

let emulator: Emulator;
afterEach(async () => {
  await emulator.close();
});

const ROWS = "id,text\n1,fine\n2,rude\n3,vile\n";

/** The small model refuses what is rude or vile, and the large one what is vile, until it is well. */
async function start(state: { isWell: boolean }): Promise<void> {
  emulator = await emulated({
    answer: ({ body }) => {
      const { model } = body as unknown as { model: string };
      const said = JSON.stringify(body);
      const isRefused =
        model === "small" ? /rude|vile/.test(said) : said.includes("vile") && !state.isWell;
      return isRefused ? { content: null, refusal: "no" } : { content: `${model} here` };
    },
  });
}

it(
  "hands failed rows to another model, tells of both, and is gone on with by its name",
  { timeout: 90_000 },
  async () => {
    const state = { isWell: false };
    await start(state);
    const cwd = folder({ "in.csv": ROWS });
    const env = pointedAt(emulator);
    const ask = ["run", "in.csv", "-p", "Say: {{ text }}", "-c", "x", "-m", "openai/small"];
    const words = [
      ...ask,
      "--fallback-model",
      "openai/large",
      "--yes",
      "--poll",
      "20ms",
      "-o",
      "out.csv",
    ];
    const ran = await cli(cwd, words, env);
    expect(ran.code).toBe(3);
    expect(ran.stderr).toContain(
      "fallback  2 rows to openai/large (2 refused): 1 answered, 1 failed",
    );
    expect(ran.stderr).toContain("batchframe resume");
    expect(readFileSync(join(cwd, "out.csv"), "utf8")).toBe(
      "id,text,x,x_status,x_error\n1,fine,small here,ok,\n2,rude,large here,ok,\n3,vile,,failed,refused\n",
    );
    const listed = await cli(cwd, ["ls", "--json"]);
    expect((JSON.parse(listed.stdout) as { runs: object[] }).runs).toMatchObject([
      {
        status: "finished",
        model: "openai/small, openai/large",
        rows: 3,
        output: join(cwd, "out.csv"),
      },
    ]);
    state.isWell = true;
    const retried = await cli(cwd, ["retry", "latest", "--yes", "--poll", "20ms", "--json"], env);
    expect(retried.code).toBe(0);
    expect(JSON.parse(retried.stdout)).toMatchObject({
      rows: { ok: 3, failed: 0 },
      passes: [
        { role: "main", rows: 3, answers: 1 },
        { role: "fallback", rows: 2, answers: 2, cameFor: { refused: 2 } },
      ],
    });
    const resumed = await cli(cwd, ["resume", "latest"], env);
    expect(resumed.code).toBe(0);
    expect(emulator.stats().rowsExecuted).toBe(6);
    const id = (JSON.parse(listed.stdout) as { runs: { run: string }[] }).runs[0]?.run ?? "";
    expect((await cli(cwd, ["rm", id])).code).toBe(0);
    expect(runsIn(cwd)).toEqual([]);
  },
);

it(
  "refuses a second model that is the first, before anything is sent",
  { timeout: 60_000 },
  async () => {
    await start({ isWell: true });
    const cwd = folder({ "in.csv": ROWS });
    const words = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/small"];
    const same = await cli(
      cwd,
      [...words, "--fallback-model", "openai/small"],
      pointedAt(emulator),
    );
    expect(same.code).toBe(2);
    expect(same.stderr).toContain("is the run's own model");
    expect(emulator.requests()).toEqual([]);
  },
);
