import { chmod, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterEach, describe, expect, it, onTestFinished } from "vitest";
import { StoreError } from "../../src/core/errors.ts";
import { openSqliteStore, STORE_FILE } from "../../src/store/sqlite.ts";
import { openSqliteReader, readSqliteRun, requestCancel } from "../../src/store/sqlite-reader.ts";
import type { Store } from "../../src/store/store.ts";
import { NEW_RUN, storeContract } from "../contract/store.ts";
import { spawned, type Spawned } from "../setup/spawned.ts";
import { planStep } from "./steps.ts";

const folders: string[] = [];
const stores: Store[] = [];

afterEach(async () => {
  for (const store of stores.splice(0)) await store[Symbol.asyncDispose]();
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true });
});

/** A directory for one run that does not exist yet, inside a folder of its own. */
async function newPlace(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "store-"));
  folders.push(folder);
  return join(folder, "runs", "run-1");
}

async function open(directory: string, fresh = true): Promise<Store> {
  const store = await openSqliteStore(directory, fresh ? NEW_RUN : null);
  stores.push(store);
  return store;
}

async function failureOf(act: () => unknown): Promise<StoreError> {
  try {
    await act();
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

const SOURCE = new URL("../../src/store/sqlite.ts", import.meta.url).href;

/** A process of its own that opens a run, says how that went, and stays until it is killed. */
function opener(directory: string): Spawned {
  const code = `
    const { openSqliteStore } = await import(${JSON.stringify(SOURCE)});
    const fresh = ${JSON.stringify(NEW_RUN)};
    try {
      const store = await openSqliteStore(${JSON.stringify(directory)}, fresh);
      globalThis.store = store;
      console.log("opened");
    } catch (error) {
      console.log("refused " + error.code + ": " + error.message);
    }
    setInterval(() => undefined, 1000);`;
  return spawned(process.execPath, ["--input-type=module", "--eval", code]);
}

/** Does something without the rights of the superuser, who may write anywhere. */
async function unprivileged<T>(act: () => Promise<T>): Promise<T> {
  const isSuperuser = process.geteuid?.() === 0;
  // Else it would fail at the first folder above, for another reason than the one under test.
  for (const folder of [tmpdir(), ...folders]) await chmod(folder, 0o755);
  if (isSuperuser) process.seteuid?.(65_534);
  try {
    return await act();
  } finally {
    if (isSuperuser) process.seteuid?.(0);
  }
}

storeContract("SQLite", async () => {
  const directory = await newPlace();
  return { open: (fresh = NEW_RUN) => openSqliteStore(directory, fresh) };
});

describe("a run's directory", () => {
  it("keeps itself out of git, and leaves a folder that was there as git knows it", async () => {
    const directory = await newPlace();
    await open(directory);
    expect(await readFile(join(directory, ".gitignore"), "utf8")).toBe("*\n");
    const mine = join(directory, "..", "mine");
    await mkdir(mine);
    await open(mine);
    expect(await readdir(mine)).not.toContain(".gitignore");
  });

  it("may be moved, and works where it is then, chunk files and all", async () => {
    const directory = await newPlace();
    const store = await openSqliteStore(directory, NEW_RUN);
    const writer = await store.files.create("a.jsonl");
    await writer.write("one\n");
    await writer.commit();
    await store[Symbol.asyncDispose]();
    const moved = join(directory, "..", "..", "odd name #1 %41?");
    await rename(directory, moved);
    const again = await open(moved, false);
    expect((await again.run()).token).toBe(NEW_RUN.token);
    expect(await again.files.exists("a.jsonl")).toBe(true);
    expect(again.files.path("a.jsonl").startsWith(moved)).toBe(true);
  });

  it("settles no change that is not synced", async () => {
    const directory = await newPlace();
    const store = await open(directory);
    // With the log out of sight what is committed cannot be synced by its name.
    await rename(join(directory, `${STORE_FILE}-wal`), join(directory, "log"));
    await expect(store.setCap(1)).rejects.toThrow("ENOENT");
    await rename(join(directory, "log"), join(directory, `${STORE_FILE}-wal`));
  });

  it("that does not exist is no run", async () => {
    const directory = await newPlace();
    for (const act of [
      () => openSqliteStore(directory, null),
      () => openSqliteReader(directory),
      () => readSqliteRun(directory),
    ])
      expect(await failureOf(act)).toMatchObject({ code: "run_missing" });
  });

  it("that is a file, or lies below one, cannot be made", async () => {
    const directory = await newPlace();
    await writeFile(join(directory, "..", "..", "runs"), "a file");
    expect((await failureOf(() => open(directory))).code).toBe("run_directory_unwritable");
  });

  it("below a folder that may not be written cannot be made", async () => {
    const directory = await newPlace();
    await mkdir(join(directory, ".."), { mode: 0o555 });
    const error = await failureOf(() => unprivileged(() => open(directory)));
    expect(error.code).toBe("run_directory_unwritable");
    expect(error.message).toContain("Nothing was sent");
  });

  it("that is there and may not be written says so, and is not called missing", async () => {
    const directory = await newPlace();
    await mkdir(directory, { recursive: true, mode: 0o555 });
    const error = await failureOf(() => unprivileged(() => open(directory)));
    expect(error.code).toBe("run_directory_unwritable");
  });

  it("holding a run that may not be written says so as well", async () => {
    const directory = await newPlace();
    await (await openSqliteStore(directory, NEW_RUN))[Symbol.asyncDispose]();
    const error = await failureOf(() => unprivileged(() => open(directory)));
    expect(error.code).toBe("run_directory_unwritable");
  });
});

describe("a run's database", () => {
  async function closedRun(): Promise<string> {
    const directory = await newPlace();
    await (await openSqliteStore(directory, NEW_RUN))[Symbol.asyncDispose]();
    return directory;
  }

  it("of a newer version is refused and left as it is", async () => {
    const directory = await closedRun();
    const database = new DatabaseSync(join(directory, STORE_FILE));
    database.exec("pragma user_version = 999");
    database.close();
    const error = await failureOf(() => open(directory));
    expect(error.code).toBe("store_version");
    expect(error.message).toContain("999");
    expect((await failureOf(() => readSqliteRun(directory))).code).toBe("store_version");
  });

  it.each([
    [
      "not a database",
      Buffer.from("not a database, though it is long enough to be one\n".repeat(50)),
    ],
    ["a database cut short", null],
  ])("that is %s is refused, with what to do", async (_what, bytes) => {
    const directory = await closedRun();
    const path = join(directory, STORE_FILE);
    const whole = await readFile(path);
    await writeFile(path, bytes ?? whole.subarray(0, 3000));
    const error = await failureOf(() => open(directory));
    expect(error.code).toBe("store_damaged");
    expect(error.hint).toContain("Restore");
  });

  it("without a run in it is damaged", async () => {
    const directory = await closedRun();
    const database = new DatabaseSync(join(directory, STORE_FILE));
    database.exec("delete from run");
    database.close();
    expect((await failureOf(() => readSqliteRun(directory))).code).toBe("store_damaged");
  });

  it("is synced at every commit and written ahead", async () => {
    const directory = await newPlace();
    await open(directory);
    const database = new DatabaseSync(join(directory, STORE_FILE));
    expect(database.prepare("pragma journal_mode").get()).toEqual({ journal_mode: "wal" });
    database.close();
  });
});

describe("a reader", () => {
  it("sees what a driver has written so far, without its lock", async () => {
    const directory = await newPlace();
    const store = await open(directory);
    const reader = openSqliteReader(directory);
    onTestFinished(() => {
      reader[Symbol.dispose]();
    });
    expect(await reader.chunks()).toEqual([]);
    const rows = [{ firstRow: 0, requests: Int32Array.of(0) }];
    const ordinals = Uint32Array.of(0);
    const chunk = { number: 1, bytes: 1, lane: "batch", ordinals } as const;
    await store.addToPlan(planStep({ rows, chunk }));
    expect(await reader.chunks()).toHaveLength(1);
    expect(await Array.fromAsync(reader.plannedRows())).toEqual(rows);
    await store.abandoned(1);
    expect(await Array.fromAsync(reader.failures())).toHaveLength(1);
    expect(readSqliteRun(directory)).toEqual({
      run: await store.run(),
      chunks: await store.chunks(),
      isDriven: true,
    });
    expect(await store.holdsLock()).toBe(true);
    await store[Symbol.asyncDispose]();
    expect(readSqliteRun(directory).isDriven).toBe(false);
  });

  it("may ask the driver to cancel, which a retry takes back", async () => {
    const directory = await newPlace();
    const store = await open(directory);
    requestCancel(directory);
    expect((await store.run()).cancelRequestedAtMs).not.toBeNull();
    await store.retry(Uint32Array.of(), { maxRequests: 1, lane: "batch" });
    expect((await store.run()).cancelRequestedAtMs).toBeNull();
  });
});

describe("the lock", () => {
  it("of a living process keeps another out, and a killed one's is taken over", async () => {
    const directory = await newPlace();
    const owner = opener(directory);
    await owner.printed("opened");
    const error = await failureOf(() => open(directory));
    expect(error.code).toBe("run_locked");
    expect(error.message).toContain(`process ${String(owner.child.pid)} on `);
    owner.child.kill("SIGKILL");
    await owner.ended;
    const store = await open(directory);
    expect((await store.run()).token).toBe(NEW_RUN.token);
  });

  it("taken over by another process stops the first one from writing", async () => {
    const directory = await newPlace();
    const store = await open(directory);
    const writer = await store.files.create("000001.replies.jsonl");
    const database = new DatabaseSync(join(directory, STORE_FILE));
    // As if this process had been frozen for longer than any beat.
    database.exec("update lock set beat_at_ms = 0");
    database.close();
    const successor = opener(directory);
    await successor.printed("opened");
    expect(await store.holdsLock()).toBe(false);
    const error = await failureOf(() => store.finishPlan({} as never));
    expect(error.code).toBe("lock_lost");
    expect((await failureOf(() => writer.commit())).code).toBe("lock_lost");
    expect(await store.files.exists("000001.replies.jsonl")).toBe(false);
    await store[Symbol.asyncDispose]();
    expect((await failureOf(() => open(directory))).code).toBe("run_locked");
    successor.child.kill("SIGKILL");
    await successor.ended;
  });

  it("goes to exactly one of several processes that make the run at once", async () => {
    const directory = await newPlace();
    const rivals = Array.from({ length: 4 }, () => opener(directory));
    const said = await Promise.all(
      rivals.map(async (rival) => {
        const first = await Promise.race([
          rival.printed("opened").then(() => "opened"),
          rival.printed("refused").then(() => "refused"),
        ]);
        return first;
      }),
    );
    for (const rival of rivals) rival.child.kill("SIGKILL");
    const ends = await Promise.all(rivals.map((rival) => rival.ended));
    expect(said.toSorted()).toEqual(["opened", "refused", "refused", "refused"]);
    for (const { stdout } of ends) expect(stdout).toMatch(/^opened$|^refused run_locked/m);
  });
});
