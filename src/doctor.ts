/** Whether this machine has what batchframe needs. */

import { randomBytes } from "node:crypto";
import { access, constants, mkdir, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { dirname, join, resolve as absolute } from "node:path";
import { BatchframeError, InputError } from "./core/errors.ts";
import { DEFAULT_RUN_DIR } from "./session/settings.ts";
import { keyVariables, openModel, resolveModel } from "./provider/models.ts";
import { listRuns } from "./runs/runs.ts";
import { unownedBatches } from "./stages/audit.ts";

/** What was looked at, and what was found. */
export interface Check {
  /** A few words, the same on every machine. */
  readonly name: string;
  /** `missing` keeps batchframe from working as asked; `warning` may, for some uses. */
  readonly state: "ok" | "warning" | "missing";
  /** What was found; never a key. */
  readonly found: string;
  /** What to do about it; absent when all is well. */
  readonly hint?: string;
}

/** What to look at besides the machine itself. */
export interface ExamineOptions {
  readonly runDir?: string;
  /** A provider's address that must answer. */
  readonly baseUrl?: string;
  /** A model that must be usable: its name known, its key set, its host reachable. */
  readonly model?: string;
  /** Looks at the model's provider for batches with our tag that no run here owns. */
  readonly remote?: boolean;
}

const REACH_TIMEOUT_MS = 5000;

/** Looks at everything batchframe needs, in order from the ground up. Sends no row anywhere and spends nothing. */
export async function examine(options: ExamineOptions = {}): Promise<readonly Check[]> {
  const checks = [
    node(),
    await polars(),
    await sqlite(),
    await runDirectory(options.runDir ?? DEFAULT_RUN_DIR),
    await embedded(),
    ...keyVariables().map(([name, provider]) => key(name, provider)),
  ];
  if (options.model !== undefined) checks.push(await model(options.model, options.baseUrl));
  // The list of models is a call of OpenAI's protocol; other providers' hosts are not asked for it.
  const { model: name } = options;
  const speaksOpenAi = name === undefined ? options.baseUrl !== undefined : isOpenAis(name);
  if (speaksOpenAi) checks.push(await reach(options.baseUrl));
  if (options.remote === true) checks.push(await remoteBatches(options));
  return checks;
}

/** Compares the provider's list with every run on disk: a batch nobody owns is money nobody waits for. */
async function remoteBatches(options: ExamineOptions): Promise<Check> {
  const name = "remote batches";
  const { model: ref, baseUrl } = options;
  try {
    if (ref === undefined)
      throw new InputError(
        "model_missing",
        "No model was named, so there is no provider to look at.",
        {
          hint: "Name one with --model, such as openai/gpt-5-mini.",
        },
      );
    const spec = resolveModel(ref);
    const { provider } = await openModel(baseUrl === undefined ? spec : { ...spec, baseUrl });
    const { runs } = await listRuns(options.runDir);
    const owned = new Set(
      runs.flatMap(({ chunks }) => chunks.flatMap(({ batchId }) => batchId ?? [])),
    );
    const signal = AbortSignal.timeout(60_000);
    const unowned = await unownedBatches({ provider, owned, token: null, sinceMs: 0, signal });
    await provider.close();
    if (unowned.length === 0)
      return { name, state: "ok", found: `every batch at ${provider.host} is owned` };
    const open = unowned.filter(({ isOpen }) => isOpen).length;
    const named = unowned
      .slice(0, 10)
      .map(({ batchId, tag }) => `${batchId} (run ${tag.run}, chunk ${String(tag.chunk)})`);
    return {
      name,
      state: "warning",
      found: `${String(unowned.length)} at ${provider.host} belong to no run here, ${String(open)} of them open: ${named.join(", ")}`,
      hint: "They may belong to runs kept elsewhere. If not, cancel the open ones at the provider: they are charged.",
    };
  } catch (error) {
    const hint = error instanceof BatchframeError ? error.hint : undefined;
    return {
      name,
      state: "missing",
      found: reason(error),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

/** Whether a model's name means one of OpenAI's; false for a name that means none. */
function isOpenAis(name: string): boolean {
  try {
    return resolveModel(name).provider === "openai";
  } catch (error) {
    if (error instanceof InputError) return false;
    throw error;
  }
}

function node(): Check {
  const { version } = process;
  const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
  const isEnough = major > 22 || (major === 22 && minor >= 18);
  if (isEnough) return { name: "Node", state: "ok", found: version };
  return {
    name: "Node",
    state: "missing",
    found: version,
    hint: "Install Node 22.18 or newer, or start with: npx -y -p node@24 -p batchframe batchframe",
  };
}

async function polars(): Promise<Check> {
  const name = "nodejs-polars";
  try {
    const { isDataFrame } = await import("./frame/polars.ts");
    isDataFrame(null);
    return { name, state: "ok", found: `loads on ${process.platform} ${process.arch}` };
  } catch (error) {
    return {
      name,
      state: "missing",
      found: reason(error),
      hint: "Install again with optional packages: npm install --include=optional",
    };
  }
}

async function sqlite(): Promise<Check> {
  const name = "node:sqlite";
  try {
    const { DatabaseSync } = await import("node:sqlite");
    const database = new DatabaseSync(":memory:");
    const row = database.prepare("select sqlite_version() as version").get();
    database.close();
    return { name, state: "ok", found: `SQLite ${String(row?.["version"])}` };
  } catch (error) {
    const hint = "Use a Node that was built with SQLite, as the official ones are.";
    return { name, state: "missing", found: reason(error), hint };
  }
}

/** Writes and removes a file where runs would live; leaves no directory that was not there. */
async function runDirectory(runDir: string): Promise<Check> {
  const name = "run directory";
  const path = absolute(runDir);
  try {
    if (await isDirectory(path)) await writeAndRemove(path);
    else {
      const parent = await nearestDirectory(path);
      await access(parent, constants.W_OK | constants.X_OK);
      await writeAndRemove(parent);
    }
    return { name, state: "ok", found: `${path} can be written` };
  } catch (error) {
    return {
      name,
      state: "missing",
      found: `${path} cannot be written: ${reason(error)}`,
      hint: "Choose a directory that can be written with --run-dir.",
    };
  }
}

async function isDirectory(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null))?.isDirectory() ?? false;
}

async function nearestDirectory(path: string): Promise<string> {
  const parent = dirname(path);
  return (await stat(parent).catch(() => null)) === null ? await nearestDirectory(parent) : parent;
}

async function writeAndRemove(directory: string): Promise<void> {
  const probe = join(directory, `.batchframe-${randomBytes(8).toString("hex")}`);
  // A directory as well as a file: quotas and mounts may allow one and not the other.
  await mkdir(probe);
  try {
    const file = join(probe, "file");
    await writeFile(file, "x");
    await unlink(file);
  } finally {
    await rmdir(probe);
  }
}

async function embedded(): Promise<Check> {
  const name = "embedded/use-lite";
  try {
    const { embeddedAnswerer } = await import("./provider/embedded-answerer.ts");
    const startedMs = performance.now();
    const model = await embeddedAnswerer();
    await model.embed(["ready"]);
    await model.close();
    const tookMs = Math.round(performance.now() - startedMs);
    return { name, state: "ok", found: `loads and answers in ${String(tookMs)} ms` };
  } catch (error) {
    const hint = "Install the package again: its model files are missing or damaged.";
    return { name, state: "missing", found: reason(error), hint };
  }
}

/** A key's name and whether it is set; its value is never looked at beyond that. */
function key(name: string, provider: string): Check {
  const isSet = (process.env[name] ?? "").trim() !== "";
  if (isSet) return { name, state: "ok", found: "set" };
  return {
    name,
    state: "warning",
    found: "not set",
    hint: `Needed for ${provider} models only: export ${name}=…`,
  };
}

async function model(name: string, baseUrl: string | undefined): Promise<Check> {
  try {
    const { provider } = await openModel(
      baseUrl === undefined ? name : { ...resolveModel(name), baseUrl },
    );
    await provider.close();
    const price = provider.free ? "free" : "charged by its provider";
    return { name, state: "ok", found: `runs on ${provider.host}, ${price}` };
  } catch (error) {
    const hint = error instanceof BatchframeError ? error.hint : undefined;
    const found = reason(error);
    return { name, state: "missing", found, ...(hint === undefined ? {} : { hint }) };
  }
}

/** Asks for the list of models: the cheapest call every host of this protocol answers. */
async function reach(baseUrl: string | undefined): Promise<Check> {
  const name = "base URL";
  let address = baseUrl ?? "";
  try {
    const { openaiBaseUrl } = await import("./provider/openai.ts");
    address = openaiBaseUrl(baseUrl);
    const url = new URL(`${address.replace(/\/+$/, "")}/models`);
    const secret = process.env["OPENAI_API_KEY"]?.trim() ?? "";
    const headers = secret === "" ? {} : { authorization: `Bearer ${secret}` };
    const response = await fetch(url, { headers, signal: AbortSignal.timeout(REACH_TIMEOUT_MS) });
    await response.body?.cancel();
    const found = `${url.host} answers with ${String(response.status)}`;
    if (response.ok) return { name, state: "ok", found };
    if (response.status === 401 || response.status === 403)
      return { name, state: "missing", found, hint: "The key was refused or is not set." };
    return { name, state: "warning", found, hint: "It is reachable, yet lists no models there." };
  } catch (error) {
    const found = error instanceof InputError ? "" : `${address} does not answer: `;
    const hint = "Check the address, the network and any proxy.";
    return { name, state: "missing", found: `${found}${reason(error)}`, hint };
  }
}

function reason(error: unknown): string {
  if (error instanceof InputError) return error.message.replace(/ Nothing was sent\.$/, "");
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
