/** A row traced to its requests, failed rows as a file, outputs written once more, and word of the end. */

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { table, type Emulator } from "../../src/emulator/emulator.ts";
import { cli, emulated, folder, KEY, pointedAt, runsIn } from "./support.ts";

const CSV = "id,text\na-1,first\na-2,\na-3,refuse me\na-4,first\n";
const RUN = ["run", "in.csv", "-p", "Say\nit: {{ text }}", "-m", "openai/gpt-5-mini", "--yes"];
const QUICK = ["--poll", "20ms", "--name", "r", "-o", "out.csv"];

const bad = { error: { status: 400, body: { error: { message: "=no", code: "bad" } } } };

let emulator: Emulator;
let cwd: string;
let env: Readonly<Record<string, string>>;

beforeAll(async () => {
  emulator = await emulated({
    answer: table((text) => (text.includes("refuse") ? bad : "said \u001b[31mit")),
  });
  cwd = folder({ "in.csv": CSV });
  env = pointedAt(emulator);
  const words = [...RUN, ...QUICK, "--failures-to", "failed.csv", "-q"];
  expect(await cli(cwd, words, env)).toMatchObject({ code: 3 });
});
afterAll(async () => {
  await emulator.close();
});

interface Trace {
  readonly status: string;
  readonly value: unknown;
  readonly sharedBy: number;
  readonly sendings: readonly Record<string, unknown>[];
}

async function traced(row: string, run = "r"): Promise<Trace> {
  // Without a key: nothing is asked of anybody.
  const { stdout } = await cli(cwd, ["show", run, "--row", row, "--json"]);
  const { traces } = JSON.parse(stdout) as { traces: readonly [Trace] };
  return traces[0];
}

describe("show", () => {
  it("gives a cell's prompt, reply, ids and cost, without a key", async () => {
    const trace = await traced("1");
    expect(trace).toMatchObject({ status: "ok", value: "said \u001b[31mit", sharedBy: 2 });
    const [sending] = trace.sendings;
    expect(sending).toMatchObject({
      chunk: 1,
      lane: "batch",
      state: "collected",
      text: "said \u001b[31mit",
      finishReason: "stop",
      usage: { inputTokens: expect.any(Number) as number },
      costUsd: expect.any(Number) as number,
    });
    expect(sending?.["batchId"]).toMatch(/^batch_/);
    expect(JSON.stringify(sending?.["request"])).toContain("Say\\nit: first");
    expect(JSON.stringify(sending?.["request"])).toContain(String(sending?.["customId"]));
    expect(String(sending?.["reply"])).toContain(String(sending?.["customId"]));
  });

  it("reads well, and acts out nothing of what it shows", async () => {
    const ended = await cli(cwd, ["show", "r", "--row", "id=a-4"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain("4 of r · shared by 2 rows with the same prompt");
    expect(ended.stderr).toMatch(/content:\n +Say\n +it: first\n/);
    expect(ended.stderr).toContain("said \\x1b[31mit");
    expect(ended.stderr).not.toContain("\u001b");
  });

  it("tells why a row has no answer", async () => {
    expect(await traced("2")).toMatchObject({ status: "skipped", reason: "blank", sendings: [] });
    const failed = await cli(cwd, ["show", "r", "--row", "3"]);
    expect(failed.stderr).toMatch(/status +failed · \w+ · .*=no/);
  });

  it.each(["5", "0", "x", "id=none", "none=1"])("refuses row %s", async (row) => {
    const ended = await cli(cwd, ["show", "r", "--row", row]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
  });

  it("makes the request of a kept answer again under votes, whatever stands between the cells", async () => {
    const text = "id;text\n1;a, b\n2;c\n";
    writeFileSync(join(cwd, "one.csv"), text);
    writeFileSync(join(cwd, "two.csv"), `${text}3;d\n`);
    const voting = await emulated();
    for (const name of ["one", "two"]) {
      const how = ["--votes", "2", "--labels", "x,y", "-d", ";", "-o", `${name}-out.csv`, "-q"];
      const words = ["run", `${name}.csv`, ...RUN.slice(2), "--poll", "20ms", ...how];
      expect(await cli(cwd, words, pointedAt(voting))).toMatchObject({ code: 0 });
    }
    await voting.close();
    const { stdout } = await cli(cwd, ["show", "latest", "--row", "1", "--json"]);
    const { traces } = JSON.parse(stdout) as { traces: readonly Trace[] };
    expect(traces.map(({ status }) => status)).toEqual(["cached", "cached"]);
    for (const { sendings } of traces)
      expect(sendings[0]?.["request"]).toMatchObject({
        body: { messages: [{ content: "Say\nit: a, b" }] },
      });
  });

  it("makes the request of a kept answer again, as long as the input is what it was", async () => {
    writeFileSync(join(cwd, "kept.csv"), CSV);
    const words = ["run", "kept.csv", ...RUN.slice(2), "--poll", "20ms", "--name", "kept"];
    expect(await cli(cwd, [...words, "-o", "kept-out.csv"], env)).toMatchObject({ code: 3 });
    const trace = await traced("4", "kept");
    expect(trace).toMatchObject({ status: "cached", sharedBy: 2, sendings: [{ customId: null }] });
    expect(JSON.stringify(trace.sendings[0]?.["request"])).toContain("Say\\nit: first");
    expect((await cli(cwd, ["show", "kept", "--row", "1"])).stderr).toMatch(
      /sent 1 +from the cache[^]*content:\n +Say\n +it: first\n/,
    );
    for (const altered of [CSV.replace("a-4,first", "a-4,second"), null]) {
      if (altered === null) rmSync(join(cwd, "kept.csv"));
      else writeFileSync(join(cwd, "kept.csv"), altered);
      const { sendings } = await traced("4", "kept");
      expect(sendings).toMatchObject([{ request: null, text: "said \u001b[31mit" }]);
    }
  });

  it("is the status without a row", async () => {
    expect((await cli(cwd, ["show", "r"])).stderr).toContain("requests");
  });
});

describe("failed rows", () => {
  it("are in the file that --failures-to names, no formula among them", () => {
    const text = readFileSync(join(cwd, "failed.csv"), "utf8");
    expect(text).toMatch(/^row,code,message\n3,\w+,.*=no.*\n$/);
    expect(text).not.toMatch(/,"?=/);
  });

  it("are written by failures as well, in the format of the ending", async () => {
    const ended = await cli(cwd, ["failures", "r", "-o", "failed.jsonl"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    const line = JSON.parse(readFileSync(join(cwd, "failed.jsonl"), "utf8")) as object;
    expect(line).toMatchObject({ row: 3 });
    const other = await cli(cwd, ["failures", "r", "-o", "failed.xlsx"]);
    expect(other).toMatchObject({ code: 2 });
  });
});

describe("export", () => {
  // The address is part of what a run is; a key is not needed.
  const address = (): Readonly<Record<string, string>> => ({ OPENAI_BASE_URL: emulator.url });

  it("writes a finished run in another format, without a key", async () => {
    const executed = emulator.stats().rowsExecuted;
    const ended = await cli(cwd, ["export", "r", "-o", "out.jsonl"], address());
    expect(ended).toMatchObject({ code: 3, stdout: "" });
    const rows = readFileSync(join(cwd, "out.jsonl"), "utf8").trimEnd().split("\n");
    expect(rows).toHaveLength(4);
    expect(JSON.parse(rows[0] ?? "")).toMatchObject({ id: "a-1", enriched: "said \u001b[31mit" });
    expect(emulator.stats().rowsExecuted).toBe(executed);
  });

  it("writes one that is not finished as far as it has come, and ends with 75", async () => {
    const words = [...RUN.filter((word) => word !== "--yes"), "--name", "open", "--no-cache"];
    expect(await cli(cwd, words, env)).toMatchObject({ code: 2 });
    const ended = await cli(cwd, ["export", "open", "-o", "open.csv"], address());
    expect(ended).toMatchObject({ code: 75 });
    expect(ended.stderr).toContain("not answered yet");
    expect(readFileSync(join(cwd, "open.csv"), "utf8")).toContain("a-1,first,,skipped,\n");
  });
});

describe("--notify", () => {
  it("posts how a run has ended, and no cell, prompt or key", async () => {
    const bodies: string[] = [];
    const server = createServer((request, response) => {
      let body = "";
      request.on("data", (piece: Buffer) => (body += piece.toString()));
      request.on("end", () => {
        bodies.push(body);
        response.end();
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const url = `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/hook`;
    const words = ["resume", "r", "--notify", url];
    expect(await cli(cwd, words, env)).toMatchObject({ code: 3 });
    await new Promise((resolve) => server.close(resolve));
    expect(bodies).toHaveLength(1);
    expect(JSON.parse(bodies[0] ?? "")).toMatchObject({
      schemaVersion: 1,
      run: "r",
      status: "finished_with_failures",
      rows: { total: 4, failed: 1 },
    });
    for (const secret of [KEY, "first", "Say", "said"]) expect(bodies[0]).not.toContain(secret);
  });

  it("runs a command, which is told on its standard input", async () => {
    const own = folder({ "in.csv": CSV });
    const command = 'cat > told.json && echo "$BATCHFRAME_STATUS" > status.txt';
    const words = ["classify", "in.csv", "--text", "text", "--labels", "a,b", "--notify", command];
    expect(await cli(own, words)).toMatchObject({ code: 0, stdout: "" });
    expect(readFileSync(join(own, "status.txt"), "utf8")).toBe("finished\n");
    const told = JSON.parse(readFileSync(join(own, "told.json"), "utf8")) as object;
    expect(told).toMatchObject({ run: runsIn(own)[0], rows: { total: 4 } });
  });

  it("that cannot be told changes nothing about the run, and names no path", async () => {
    const own = folder({ "in.csv": CSV });
    const words = ["classify", "in.csv", "--text", "text", "--labels", "a,b"];
    const ended = await cli(own, [...words, "--notify", "http://127.0.0.1:9/secret-path"]);
    expect(ended.code).toBe(0);
    expect(ended.stderr).toContain("--notify: 127.0.0.1:9 could not be told");
    expect(ended.stderr).not.toContain("secret-path");
    expect(existsSync(join(own, "in.enriched.csv"))).toBe(true);
  });

  it("tells of a run that stopped with an error", async () => {
    const own = folder({ "in.csv": CSV });
    const words = [
      "run",
      "in.csv",
      "-p",
      "{{ txet }}",
      "-m",
      "embedded/use-lite",
      "--labels",
      "a,b",
    ];
    expect(await cli(own, [...words, "--notify", "cat > told.json"])).toMatchObject({ code: 2 });
    expect(JSON.parse(readFileSync(join(own, "told.json"), "utf8"))).toMatchObject({
      status: "error",
      error: { code: "unknown_column" },
    });
  });
});
