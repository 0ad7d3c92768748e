import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { spawned } from "../setup/spawned.ts";
import { cli, emulated, folder, manyRows, pointedAt, runsIn, start } from "./support.ts";

const command = fileURLToPath(new URL("../../bin/batchframe.js", import.meta.url));
const interruptUrl = new URL("../../src/cli/interrupt.ts", import.meta.url).href;
const RUN = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/x", "--yes", "--poll", "20ms"];

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(10);
}

/** Starts a run whose one batch stands still, and waits until the provider has taken it. */
async function stuck(emulator: Emulator, cwd: string): Promise<ReturnType<typeof start>> {
  const running = start(cwd, RUN, pointedAt(emulator));
  await until(() => (emulator.stats().calls["GET /batches/{id}"] ?? 0) > 0);
  return running;
}

describe("Ctrl-C", () => {
  it.each(["SIGINT", "SIGTERM", "SIGHUP"] as const)(
    "once (%s) leaves the batch running, and resume finishes without paying twice",
    async (signal) => {
      const emulator = await emulated({ faults: { stuck: 1 } });
      const cwd = folder({ "in.csv": manyRows(20) });
      const running = await stuck(emulator, cwd);
      running.child.kill(signal);
      const ended = await running.ended;
      const [run = ""] = runsIn(cwd);
      expect(ended).toMatchObject({ code: 130, signal: null, stdout: "" });
      expect(ended.stderr).toContain(`Stopped here.`);
      expect(ended.stderr).toContain(`batchframe resume ${run}\n`);
      expect(existsSync(join(cwd, "in.enriched.csv"))).toBe(false);
      expect(emulator.stats().batches).toMatchObject({ in_progress: 1 });

      const status = await cli(cwd, ["status", "--json"]);
      expect(status.code).toBe(0);
      expect(JSON.parse(status.stdout)).toMatchObject({ run, status: "underway" });

      emulator.setFaults({});
      emulator.release();
      // Consent was given when the run began, so it is not asked for again.
      const resumed = await cli(cwd, ["resume", "--poll", "20ms", "--json"], pointedAt(emulator));
      expect(resumed.code).toBe(0);
      expect(JSON.parse(resumed.stdout)).toMatchObject({ run, rows: { total: 20, ok: 20 } });
      expect(readFileSync(join(cwd, "in.enriched.csv"), "utf8")).toContain(
        "20,text number 20,text number 20,ok,",
      );
      expect(emulator.stats()).toMatchObject({ batchesCreated: 1, bodiesBilledAgain: 0 });
      await emulator.close();
    },
  );

  it("twice stops at once, however long stopping would take", async () => {
    const script = `
      import { onInterrupt } from ${JSON.stringify(interruptUrl)};
      const forget = onInterrupt(() => {
        console.log("stopping");
        forget();
      });
      setInterval(() => undefined, 1000);
      console.log("listening");`;
    const running = spawned(process.execPath, ["--input-type=module", "-e", script]);
    await running.printed("listening");
    running.child.kill("SIGINT");
    await running.printed("stopping");
    running.child.kill("SIGINT");
    expect(await running.ended).toMatchObject({ code: 130, stdout: "listening\nstopping\n" });
  });

  it("tells a script, with --json, which run was left", async () => {
    const emulator = await emulated({ faults: { stuck: 1 } });
    const cwd = folder({ "in.csv": manyRows(3) });
    const running = start(cwd, [...RUN, "--json"], pointedAt(emulator));
    await until(() => (emulator.stats().calls["GET /batches/{id}"] ?? 0) > 0);
    running.child.kill("SIGINT");
    const { stdout } = await running.ended;
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      run: runsIn(cwd)[0],
      status: "interrupted",
    });
    await emulator.close();
  });
});

describe("a reader that goes away", () => {
  const shell = async (line: string, cwd: string, env = {}): Promise<string> => {
    const words = { BF: `${process.execPath} ${command}` };
    const { stdout } = await promisify(execFile)("bash", ["-c", line], {
      cwd,
      env: { ...process.env, ...words, ...env },
    });
    return stdout;
  };

  it("of data ends the command quietly", async () => {
    const cwd = folder();
    const line = "$BF --help | head -1; echo ${PIPESTATUS[0]}";
    expect(await shell(line, cwd)).toBe("Usage: batchframe [options] [command]\n0\n");
  });

  it("of progress leaves the batches alone, and says by 75 that they go on", async () => {
    const emulator = await emulated({ faults: { stuck: 1 } });
    const cwd = folder({ "in.csv": manyRows(3) });
    const line = `$BF ${RUN.slice(0, 3).join(" ")} '{{ text }}' ${RUN.slice(4).join(" ")} 2>&1 | head -1; echo \${PIPESTATUS[0]}`;
    const printed = await shell(line, cwd, pointedAt(emulator));
    expect(printed).toMatch(/^input .*\n75\n$/);
    expect(emulator.stats().batches["cancelled"] ?? 0).toBe(0);
    expect(emulator.stats().calls["POST /batches/{id}/cancel"] ?? 0).toBe(0);
    await emulator.close();
  });
});

describe("what is said on leaving", () => {
  it("tells how many batches go on, and names the output of this command", async () => {
    const emulator = await emulated({ faults: { stuck: 1 } });
    const cwd = folder({ "in.csv": manyRows(20) });
    const first = await stuck(emulator, cwd);
    first.child.kill("SIGINT");
    expect((await first.ended).stderr).toContain("1 batch goes on at 127.0.0.1:");
    const looks = emulator.stats().calls["GET /batches/{id}"] ?? 0;
    const again = start(cwd, [...RUN, "-o", "other name.csv"], pointedAt(emulator));
    await until(() => (emulator.stats().calls["GET /batches/{id}"] ?? 0) > looks);
    again.child.kill("SIGINT");
    // The run was started with another output, to which a plain resume would go back.
    expect((await again.ended).stderr).toMatch(/batchframe resume \S+ -o 'other name.csv'\n$/);
    await emulator.close();
  });

  it("does not speak of batches where the provider was never reached", async () => {
    const cwd = folder({ "in.csv": manyRows(20) });
    const env = { OPENAI_BASE_URL: "http://127.0.0.1:9/v1", OPENAI_API_KEY: "k" };
    const running = start(cwd, RUN, env);
    let said = "";
    running.child.stderr.on("data", (text: Buffer) => (said += text.toString()));
    await until(() => said.includes("could not upload"));
    running.child.kill("SIGINT");
    const { stderr } = await running.ended;
    expect(stderr).toContain("Stopped here. No batch is under way at 127.0.0.1:9. Go on with:");
    expect(stderr).not.toContain("goes on at");
  });
});
