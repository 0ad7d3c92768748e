/** Pages over runs as the command serves them, beside the process that drives one. */

import { describe, expect, it } from "vitest";
import { cli, emulated, folder, KEY, manyRows, pointedAt, runsIn, start } from "./support.ts";

/** Starts `ui --json`, enters, and gives a way to read its pages and one to end it. */
async function serving(
  cwd: string,
  words: readonly string[],
): Promise<{
  readonly first: string;
  readonly page: (path: string) => Promise<string>;
  readonly stop: () => Promise<{ readonly code: number | null; readonly stderr: string }>;
}> {
  const running = start(cwd, ["ui", ...words, "--json"], { OPENAI_API_KEY: KEY });
  let printed = "";
  running.child.stdout.on("data", (data: Buffer) => (printed += data.toString()));
  await running.printed("}\n");
  const url = new URL((JSON.parse(printed) as { readonly url: string }).url);
  expect(url.hostname).toBe("127.0.0.1");
  const entered = await fetch(url, { redirect: "manual" });
  const cookie = (entered.headers.get("set-cookie") ?? "").split(";", 1)[0] ?? "";
  const page = async (path: string): Promise<string> => {
    const text = await (await fetch(new URL(path, url), { headers: { cookie } })).text();
    expect(text).not.toContain(KEY);
    return text;
  };
  const stop = async () => {
    running.child.kill("SIGINT");
    return await running.ended;
  };
  return { first: entered.headers.get("location") ?? "", page, stop };
}

describe("ui", () => {
  it("shows a run while another process drives it, and takes nothing from it", async () => {
    const cwd = folder({ "in.csv": manyRows(3) });
    const emulator = await emulated({ faults: { stuck: 1 } });
    const words = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "--yes"];
    const how = ["--poll", "20ms", "--name", "held", "-o", "out.csv"];
    const driven = start(cwd, [...words, ...how], pointedAt(emulator));
    while (!runsIn(cwd).includes("held")) await new Promise((resolve) => setTimeout(resolve, 20));
    const { first, page, stop } = await serving(cwd, []);
    expect(first).toBe("/");
    let body = "";
    while (!body.includes("batch_")) body = await page("/run?run=held");
    expect(body).toContain("3 rows = 0 ok + 0 cached + 0 skipped + 0 failed + 3 pending");
    expect(body).toContain('http-equiv="refresh"');
    expect(await page("/")).toContain("underway");
    expect(await page("/rows?run=held&status=pending")).toContain("/row?run=held&amp;row=3");
    expect(await page("/row?run=held&row=2")).toContain("text number 2");
    expect(driven.child.exitCode).toBeNull();
    expect(await stop()).toMatchObject({ code: 0 });
    driven.child.kill("SIGINT");
    expect((await driven.ended).code).toBe(130);
    await emulator.close();
  });

  it("begins at the run it is given, and refuses one there is not, and a port that is taken", async () => {
    const cwd = folder({ "in.csv": manyRows(2) });
    const emulator = await emulated();
    const words = ["run", "in.csv", "-p", "{{ text }}", "-m", "openai/gpt-5-mini", "--yes", "-q"];
    const how = ["--poll", "20ms", "--name", "done", "-o", "out.csv"];
    expect(await cli(cwd, [...words, ...how], pointedAt(emulator))).toMatchObject({ code: 0 });
    const { first, page, stop } = await serving(cwd, ["latest"]);
    expect(first).toBe("/run?run=done");
    expect(await page(first)).toContain("2 rows = 2 ok");
    expect(await stop()).toMatchObject({ code: 0 });
    expect(await cli(cwd, ["ui", "none"])).toMatchObject({ code: 2, stdout: "" });
    const taken = await cli(cwd, ["ui", "--port", new URL(emulator.url).port]);
    expect(taken).toMatchObject({ code: 2, stdout: "" });
    expect(taken.stderr).toContain("is in use by another process");
    await emulator.close();
  });
});
