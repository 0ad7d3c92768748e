/** A run over a Parquet file that is killed again and again on its way, and judged when it has ended. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { startEmulator, table } from "../src/emulator/emulator.ts";
import { openParquet } from "../src/frame/parquet.ts";
import { enrichFile } from "../src/index.ts";
import { writeRows } from "./rows.ts";

/** What is to be run and how often it is killed. */
export interface KillRun {
  readonly folder: string;
  readonly rows: number;
  /** Different prompts among them. */
  readonly distinct: number;
  readonly kills: number;
  readonly rowsPerChunk: number;
  /** The shortest and the longest life of a process that is killed, in milliseconds. */
  readonly lifeMs: readonly [number, number];
  readonly random: () => number;
}

/** How it went. */
export interface KillRunEnd {
  readonly kills: number;
  /** Rows of the output that are not what they should be, or not there. */
  readonly rowsWrong: number;
  /** Requests the service answered, and those among them that were asked before. */
  readonly requests: number;
  readonly requestsTwice: number;
  /** The most memory of any of the processes, in MB. */
  readonly peakMB: number;
  /** Seconds from the first start to the end. */
  readonly seconds: number;
}

/** Runs it to its end; the service stands in this process, the run in children. */
export async function killRun(how: KillRun): Promise<KillRunEnd> {
  const input = join(how.folder, "rows.parquet");
  await writeRows(input, { rows: how.rows, reviewOf: (row) => textOf(row % how.distinct) });
  await mkdir(join(how.folder, "runs"), { recursive: true });
  const service = await startEmulator({ seed: 1, answer: table(answerTo) });
  const start = performance.now();
  let kills = 0;
  let peakMB = 0;
  for (;;) {
    const [shortest, longest] = how.lifeMs;
    const lifeMs = kills < how.kills ? shortest + how.random() * (longest - shortest) : null;
    const child = spawn(process.execPath, [import.meta.filename, CHILD], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, KILL_RUN: JSON.stringify({ ...how, url: service.url }) },
    });
    let said = "";
    child.stdout.on("data", (piece: Buffer) => (said += piece.toString()));
    const ended = once(child, "close");
    if (lifeMs !== null) {
      await Promise.race([ended, sleep(lifeMs)]);
      child.kill("SIGKILL");
    }
    const [code, signal] = (await ended) as [number | null, string | null];
    if (signal === "SIGKILL") kills += 1;
    else if (code !== 0) throw new Error(`the run ended with ${String(code ?? signal)}`);
    else {
      peakMB = Number(said.trim());
      break;
    }
  }
  const seconds = (performance.now() - start) / 1000;
  const stats = service.stats();
  await service.close();
  return {
    kills,
    rowsWrong: await wrongRows(join(how.folder, "out.parquet"), how),
    requests: stats.rowsExecuted,
    requestsTwice: stats.bodiesBilledAgain + stats.customIdsBilledAgain,
    peakMB,
    seconds,
  };
}

const CHILD = "--child";

function textOf(subject: number): string {
  return `subject ${String(subject)}, about which there is little to say`;
}

function answerTo(text: string): string {
  return `answer ${/subject (\d+)/.exec(text)?.[1] ?? "to nothing"}`;
}

async function wrongRows(output: string, { rows, distinct }: KillRun): Promise<number> {
  const frame = await openParquet(output);
  let wrong = 0;
  let row = 0;
  for await (const block of frame.blocks(["id", "review", "answer", "answer_status"], 2000)) {
    const [ids, reviews] = [block.text("id"), block.text("review")];
    const [answers, statuses] = [block.text("answer"), block.text("answer_status")];
    for (let at = 0; at < block.rowCount; at += 1) {
      const text = textOf(row % distinct);
      const isRight =
        Number(ids[at]) === row &&
        reviews[at] === text &&
        answers[at] === answerTo(text) &&
        statuses[at] === "ok";
      if (!isRight) wrong += 1;
      row += 1;
    }
  }
  return wrong + Math.abs(rows - row);
}

async function child({ folder, rowsPerChunk, url }: KillRun & { readonly url: string }) {
  const files = { input: join(folder, "rows.parquet"), output: join(folder, "out.parquet") };
  await enrichFile(
    files,
    "{{ review }}",
    { provider: "openai", model: "m", baseUrl: url, apiKey: "none", settleMs: 500 },
    {
      column: "answer",
      runDir: join(folder, "runs"),
      chunkRows: rowsPerChunk,
      lane: "batch",
      pollEveryMs: 50,
    },
  );
  console.log(process.resourceUsage().maxRSS / 1024);
}

if (process.argv[2] === CHILD)
  await child(JSON.parse(process.env["KILL_RUN"] ?? "") as KillRun & { readonly url: string });
