import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as z from "zod";
import { startEmulator, table, type Emulator } from "../../src/emulator/emulator.ts";
import { enrichFile } from "../../src/enrich.ts";
import { reparseRun } from "../../src/reparse.ts";
import { findRun } from "../../src/runs/runs.ts";
import { traceRow } from "../../src/runs/trace.ts";

let folder: string;
let emulator: Emulator;

beforeEach(async () => {
  process.env["OPENAI_API_KEY"] = "test-key";
  folder = await mkdtemp(join(tmpdir(), "answers-"));
  const rows = Array.from({ length: 30 }, (_, at) => `row ${String(at)}`);
  await writeFile(join(folder, "in.csv"), `text\n${rows.join("\n")}\n`);
  emulator = await startEmulator({
    answer: table((text) => (text === "row 7" ? "nothing" : `{"n":${text.slice(4)}}`)),
  });
});
afterEach(async () => {
  Reflect.deleteProperty(process.env, "OPENAI_API_KEY");
  await emulator.close();
  await rm(folder, { recursive: true, force: true });
});

async function enrich(): Promise<string> {
  const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
  const model = { provider: "openai", model: "m", baseUrl: emulator.url };
  await enrichFile(files, "{{ text }}", model, {
    output: "n: int",
    column: "c",
    name: "run",
    chunkRows: 10,
    lane: "batch",
    runDir: join(folder, "runs"),
    pollEveryMs: 5,
  });
  return await readFile(files.output, "utf8");
}

const chunks = (): string => join(folder, "runs", "run", "chunks");

async function answerFiles(): Promise<ReadonlyMap<string, Buffer>> {
  const names = (await readdir(chunks())).filter((name) => name.endsWith(".answers")).sort();
  const files = names.map(async (name) => [name, await readFile(join(chunks(), name))] as const);
  return new Map(await Promise.all(files));
}

const sent = (): number => emulator.requests().filter(({ method }) => method === "POST").length;

describe("answer files", () => {
  it("are made while replies are collected, and joining gives what the replies themselves give", async () => {
    const fromFiles = await enrich();
    const made = await answerFiles();
    // The row that is no answer is asked once more, in a chunk of its own.
    expect([...made.keys()]).toEqual(
      ["000001", "000002", "000003", "000004"].map((name) => `${name}.answers`),
    );
    for (const name of made.keys()) await rm(join(chunks(), name));
    expect(await enrich()).toBe(fromFiles);
    expect(fromFiles).toContain("row 7,,failed,invalid_output");
    expect((await answerFiles()).size).toBe(4);
  });

  it.each([
    "a bit of it is another",
    "its end is gone",
    "it is empty",
    "it is that of another chunk",
  ])("are made anew where %s", async (what) => {
    const before = await enrich();
    const made = await answerFiles();
    const [name = "", bytes = Buffer.alloc(0)] = [...made][1] ?? [];
    const damaged = Buffer.from(bytes);
    damaged[5] = (damaged[5] ?? 0) ^ 1;
    const instead = what.startsWith("a bit")
      ? damaged
      : what.startsWith("its end")
        ? bytes.subarray(0, -1)
        : what.startsWith("it is empty")
          ? Buffer.alloc(0)
          : (made.get("000001.answers") ?? bytes);
    await writeFile(join(chunks(), name), instead);
    const posts = sent();
    expect(await enrich()).toBe(before);
    expect(sent()).toBe(posts);
    const mended = (await answerFiles()).get(name);
    expect(mended?.length).toBe(bytes.length);
    expect(mended?.equals(instead)).toBe(false);
  });

  it("of another reading are stale: a changed schema gives other answers for nothing", async () => {
    const before = await enrich();
    const posts = sent();
    const stale = await answerFiles();
    const run = await findRun("run", join(folder, "runs"));
    const output = join(folder, "other.csv");
    await reparseRun(run, { output, schema: { jsonSchema: small } });
    expect(await readFile(output, "utf8")).toContain("row 9,,failed,invalid_output");
    expect(await readFile(output, "utf8")).toContain("row 4,4,ok,");
    const anew = await answerFiles();
    for (const [name, bytes] of anew) expect(stale.get(name)?.equals(bytes), name).toBe(false);
    expect(await enrich()).toBe(before);
    expect(sent()).toBe(posts);
  });

  it("are not kept where a schema's own code checks answers, nor used where they are left over", async () => {
    await enrich();
    const before = await answerFiles();
    const run = await findRun("run", join(folder, "runs"));
    const output = join(folder, "even.csv");
    const even = z.object({ n: z.int().refine((n) => n % 2 === 0) });
    await reparseRun(run, { output, schema: even });
    const checked = await readFile(output, "utf8");
    expect(checked).toContain("row 8,8,ok,");
    expect(checked).toContain("row 9,,failed,invalid_output");
    expect(await answerFiles()).toEqual(before);
  });

  it("keep what a schema's own code made of a reply until the same process has joined it", async () => {
    let checks = 0;
    const counting = z.object({
      n: z
        .int()
        .transform((n) => {
          checks += 1;
          // JSON has no word for it: such an answer is made of the reply once more.
          return n === 4 ? -0 : n;
        })
        .pipe(z.number()),
    });
    const started = () => {
      const files = { input: join(folder, "in.csv"), output: join(folder, "out.csv") };
      const model = { provider: "openai", model: "m", baseUrl: emulator.url };
      return enrichFile(files, "{{ text }}", model, {
        ...{ output: counting, column: "c", name: "run", chunkRows: 10, lane: "batch" },
        ...{ runDir: join(folder, "runs"), pollEveryMs: 5 },
      });
    };
    await started().result();
    // Row 7, asked twice, gives no number to check.
    expect(checks).toBe(30);
    const fromFiles = await readFile(join(folder, "out.csv"), "utf8");
    expect(fromFiles).toContain("row 4,0,ok,");
    expect(fromFiles).toContain("row 5,5,ok,");
    expect((await answerFiles()).size).toBe(4);
    // What made the schema may have changed until it is called again.
    await started().result();
    expect(checks).toBe(59);
    expect(await readFile(join(folder, "out.csv"), "utf8")).toBe(fromFiles);
  });

  it("are only read by who looks at a run", async () => {
    await enrich();
    await rm(join(chunks(), "000001.answers"));
    const run = await findRun("run", join(folder, "runs"));
    expect(await traceRow(run, 3)).toMatchObject([{ status: "ok", value: { n: 3 } }]);
    expect((await answerFiles()).size).toBe(3);
  });
});

const small = {
  type: "object",
  properties: { n: { type: "integer", maximum: 5 } },
  required: ["n"],
};
