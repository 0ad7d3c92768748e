/** What a reader is taken to have at hand before the blocks of a page are run: files, programs and services. */

import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pl from "nodejs-polars";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { startPostgres } from "../setup/postgres.ts";

/** Where a page is tried. */
export interface Place {
  readonly folder: string;
  readonly emulator: Emulator;
}

/** What is at hand: more of the environment, what stands for an address in the page, and how it is put away. */
export interface AtHand {
  readonly env?: NodeJS.ProcessEnv;
  /** Texts of the page, and what each is here. */
  readonly standsFor?: readonly (readonly [text: string | RegExp, here: string])[];
  readonly close?: () => Promise<void>;
}

const ROWS = 12;

/** By the page's name; pages that bring their own files are left out. */
export const AT_HAND: Readonly<Record<string, (place: Place) => Promise<AtHand>>> = {
  "files.md": async (place) => {
    pl.DataFrame({ text: texts() }).writeParquet(join(place.folder, "reviews.parquet"));
    return await tickets(place);
  },
  "previews.md": tickets,
  "errors.md": async (place) => {
    await tickets(place);
    return { standsFor: [[/^/, `${FAILING}\n`]] };
  },
  "quality.md": async (place) => {
    reviews(place);
    return await tickets(place);
  },
  "local-models.md": (place) => {
    reviews(place);
    const { plain } = place.emulator.urls;
    return Promise.resolve({
      env: {
        ...{ OLLAMA_BASE_URL: plain, COMPATIBLE_BASE_URL: plain },
        PATH: programs({ ollama: "", vllm: VLLM }),
      },
      standsFor: [[/http:\/\/127\.0\.0\.1:\d+\/v1/g, plain]],
    });
  },
  "cli.md": tickets,
  "many-machines.md": async ({ folder }) => {
    mkdirSync(join(folder, "tickets"));
    for (const name of ["a", "b"])
      pl.DataFrame({ body: texts() }).writeParquet(join(folder, "tickets", `${name}.parquet`));
    const server = await startPostgres();
    const state = await server.database();
    return {
      standsFor: [
        // What is installed in the repository; tried by scripts/packed.ts.
        [/^npm install .*$/m, ""],
        [/BATCHFRAME_STATE=\S+ PGPASSWORD=\S+/, `BATCHFRAME_STATE='${state}'`],
        ["s3://bucket/batchframe", join(folder, "shared")],
        // On another machine, and until it is ended.
        [/^(batchframe worker .*--health-port) 9464.*$/m, '$1 0 & trap "kill $!; wait" EXIT'],
      ],
      close: () => server.stop(),
    };
  },
};

/** A run of which some rows have failed, as those who read of errors have one. */
const FAILING =
  "batchframe run tickets.csv -p 'Sum up: {{ body }}' -m openai/gpt-5-mini --max-tokens 1 --yes || test $? = 3";

// As `vllm run-batch` answers a file of requests.
const VLLM = `
const { readFileSync, writeFileSync } = require("node:fs");
const after = (flag) => process.argv[process.argv.indexOf(flag) + 1];
const model = after("--model");
const lines = readFileSync(after("-i"), "utf8").trim().split("\\n").map((line) => {
  const { custom_id, body } = JSON.parse(line);
  if (body.model !== model) throw new Error("another model: " + body.model);
  const message = { role: "assistant", content: "positive" };
  const choices = [{ index: 0, message, finish_reason: "stop" }];
  const answer = { id: "c", object: "chat.completion", model, choices, usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 } };
  return JSON.stringify({ id: "v", custom_id, response: { status_code: 200, request_id: "r", body: answer }, error: null });
});
writeFileSync(after("-o"), lines.join("\\n") + "\\n");
`;

function texts(): string[] {
  return Array.from({ length: ROWS }, (_, at) => `Where is parcel ${String(at)}?`);
}

function tickets({ folder }: Place): Promise<AtHand> {
  const rows = texts().map(
    (text, at) => `${String(at)},${text},${at % 3 === 0 ? "north" : "south"}\n`,
  );
  writeFileSync(join(folder, "tickets.csv"), `id,body,team\n${rows.join("")}`);
  return Promise.resolve({});
}

function reviews({ folder }: Place): void {
  const rows = texts().map((text) => `${text},${text}\n`);
  writeFileSync(join(folder, "reviews.csv"), `review,text\n${rows.join("")}`);
}

/** A PATH with programs of these names before everything else: each the text of a script for Node. */
function programs(scripts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "programs-"));
  for (const [name, script] of Object.entries(scripts)) {
    const path = join(folder, name);
    writeFileSync(path, `#!${process.execPath}\n${script}`);
    chmodSync(path, 0o755);
  }
  return folder;
}
