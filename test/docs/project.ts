/** A folder in which batchframe is installed, for the examples of the documentation to run in. */

import { chmodSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Emulator } from "../../src/emulator/emulator.ts";
import { spawned, type Ended } from "../setup/spawned.ts";
import type { Block } from "./blocks.ts";

/** The repository. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

/** The environment of an example: the command on the path, and every provider played by the emulator. */
export function exampleEnvironment({ urls }: Emulator): NodeJS.ProcessEnv {
  const impatient = pathToFileURL(join(root, "test", "docs", "impatient.mjs")).href;
  return {
    ...process.env,
    OPENAI_API_KEY: "test-key",
    OPENAI_BASE_URL: urls.openai,
    ANTHROPIC_API_KEY: "test-key",
    ANTHROPIC_BASE_URL: urls.anthropic,
    GOOGLE_API_KEY: "test-key",
    GOOGLE_BASE_URL: urls.google,
    PARASAIL_API_KEY: "test-key",
    PARASAIL_BASE_URL: urls.parasail,
    REGOLO_API_KEY: "test-key",
    REGOLO_BASE_URL: urls.regolo,
    VERTEX_BASE_URL: urls.vertex,
    GOOGLE_CLOUD_PROJECT: "test-project",
    GCS_BUCKET: "test-bucket",
    PATH: `${binFolder()}:${process.env["PATH"] ?? ""}`,
    NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --no-warnings --import=${impatient}`,
  };
}

/** A folder with the command, as an installation would put it on the path. */
function binFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "bin-"));
  const command = join(folder, "batchframe");
  const program = join(root, "bin", "batchframe.js");
  writeFileSync(command, `#!/bin/sh\nexec "${process.execPath}" "${program}" "$@"\n`);
  chmodSync(command, 0o755);
  return folder;
}

/** A folder in which `batchframe` is installed, with what the examples import besides. */
export function projectFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "example-"));
  const installed = join(folder, "node_modules", "batchframe");
  mkdirSync(installed, { recursive: true });
  writeFileSync(
    join(installed, "package.json"),
    JSON.stringify({
      name: "batchframe",
      type: "module",
      exports: {
        ".": "./src/index.ts",
        "./emulator": "./src/emulator/emulator.ts",
        "./notebook": "./src/notebook/notebook.ts",
      },
    }),
  );
  symlinkSync(join(root, "src"), join(installed, "src"));
  for (const name of ["nodejs-polars", "zod"])
    symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module" }));
  return folder;
}

/** Runs a block of shell or TypeScript in a folder, as it stands; `name` is that of the TypeScript file. */
export async function execute(
  { language, code }: Block,
  {
    folder,
    name,
    env,
  }: { readonly folder: string; readonly name: string; readonly env: NodeJS.ProcessEnv },
): Promise<Ended> {
  // A file of configuration is tried by a command that takes its recipe.
  if (language === "json") {
    writeFileSync(join(folder, "batchframe.config.json"), code);
    const words = "batchframe plan tickets.csv --recipe triage".split(" ");
    return await spawned("bash", ["-c", words.join(" ")], { cwd: folder, env }).ended;
  }
  if (language === "sh")
    return await spawned("bash", ["-euo", "pipefail", "-c", code], { cwd: folder, env }).ended;
  const file = join(folder, `${name}.ts`);
  writeFileSync(file, code);
  return await spawned(process.execPath, [file], { cwd: folder, env }).ended;
}
