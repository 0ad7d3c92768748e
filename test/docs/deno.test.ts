/** The script of docs/deno.md is run with the permissions that stand there, and without each in turn. */

import { mkdtempSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startEmulator, type Emulator } from "../../src/emulator/emulator.ts";
import { spawned, type Ended } from "../setup/spawned.ts";
import { blocksOf } from "./blocks.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const blocks = blocksOf(readFileSync(join(root, "docs", "deno.md"), "utf8"));
const script = blocks.find(({ language }) => language === "ts")?.code ?? "";
const command = blocks.find(({ language }) => language === "sh")?.code ?? "";
const flags = command.replaceAll("\\\n", " ").match(/--allow-\S+/g) ?? [];

let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator();
});
afterAll(async () => {
  await emulator.close();
});

/** A folder with the script and its rows, where packages and sources are those of this repository. */
function project(): string {
  const folder = mkdtempSync(join(tmpdir(), "deno-"));
  for (const name of ["deno.json", "models", "node_modules", "package.json", "src"])
    symlinkSync(join(root, name), join(folder, name));
  writeFileSync(join(folder, "label.ts"), script);
  writeFileSync(join(folder, "reviews.csv"), "review\nI love it\nI hate it\n");
  return folder;
}

async function run(given: readonly string[]): Promise<Ended & { readonly cwd: string }> {
  const cwd = project();
  // The emulator stands for the provider, and the packages lie in the repository.
  const here = given.map((flag) =>
    flag
      .replace("api.openai.com", `127.0.0.1:${String(emulator.port)}`)
      .replace(/^(--allow-(?:read|ffi)=)\.$/, `$1.,${root}`),
  );
  const env = {
    PATH: process.env["PATH"],
    HOME: process.env["HOME"],
    ...{ NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
    ...{ OPENAI_API_KEY: "k", OPENAI_BASE_URL: emulator.url },
  };
  const deno = join(root, "node_modules", ".bin", "deno");
  const args = ["run", "--no-prompt", ...here, "label.ts"];
  return { ...(await spawned(deno, args, { cwd, env }).ended), cwd };
}

describe("the script of docs/deno.md", () => {
  it("runs with the permissions that stand there", { timeout: 120_000 }, async () => {
    const { code, stdout, stderr, cwd } = await run(flags);
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: "2 rows\n", stderr: "" });
    const [head, ...rows] = readFileSync(join(cwd, "labelled.csv"), "utf8").trimEnd().split("\n");
    expect(head).toBe("review,sentiment,sentiment_status,sentiment_error");
    expect(rows).toHaveLength(2);
  });

  it("is given no more than it needs: one permission of each kind, none for everything", () => {
    expect(flags).toHaveLength(6);
    expect(flags.filter((flag) => !/^--allow-(read|write|net|env|ffi|sys)=./.test(flag))).toEqual(
      [],
    );
  });

  it.each(
    flags.flatMap((flag) => {
      const [name = "", values = ""] = flag.split("=");
      return values.split(",").map((value) => [name, value, values.split(",")] as const);
    }),
  )("fails without %s=%s, and says so", { timeout: 120_000 }, async (name, value, values) => {
    // A value among several is left out alone: each of them is needed.
    const rest = values.filter((each) => each !== value);
    const others = flags.filter((flag) => !flag.startsWith(`${name}=`));
    const left = rest.length === 0 ? [] : [`${name}=${rest.join(",")}`];
    const { code, stderr } = await run([...others, ...left]);
    expect(code).not.toBe(0);
    expect(stderr).toMatch(/NotCapable|network_denied/);
  });
});
