/** A project that has installed the package and none of its optional companions: prints what it is told to install. */

import { InputError, openModel, openState, serveWorkerHealth, type SharedState } from "batchframe";

type Asserting = Readonly<Record<string, () => void>>;

/** What was said of a missing package. */
async function hintOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    if (error instanceof InputError && error.code === "package_missing") return error.hint ?? "";
    return `something else: ${String(error)}`;
  }
  return "nothing";
}

/** A module of the package that is reached only past another companion, which is missing as well. */
async function inside(path: string, name: string): Promise<void> {
  const file = new URL(`./node_modules/batchframe/dist/${path}`, import.meta.url);
  const module = (await import(file.href)) as Asserting;
  module[name]?.();
}

// Where a run's files would be kept is asked for before anything else.
process.env["GOOGLE_CLOUD_PROJECT"] = "none";
process.env["GCS_BUCKET"] = "none";
const database = {} as SharedState["database"];
const vertex = { provider: "vertex", model: "gemini-2.5-flash" };
console.log(
  JSON.stringify({
    llama: await hintOf(() => openModel("gguf:./tiny.gguf")),
    storage: await hintOf(() => openModel(vertex)),
    postgres: await hintOf(() => openState("postgres://127.0.0.1/none")),
    ticks: await hintOf(() => inside("store/ticks.js", "assertTickLibrary")),
    s3: await hintOf(() => inside("store/objects-s3.js", "assertS3Library")),
    metrics: await hintOf(() => serveWorkerHealth({ port: 0, database })),
  }),
);
