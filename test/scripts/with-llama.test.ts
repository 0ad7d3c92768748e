import { mkdtemp, readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { spawned } from "../setup/spawned.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

it("says that the registry cannot be reached, fails, and leaves nothing half installed", async () => {
  const cache = await mkdtemp(join(tmpdir(), "cache-"));
  const { ended } = spawned(process.execPath, ["scripts/with-llama.mjs"], {
    cwd: ROOT,
    env: {
      ...process.env,
      XDG_CACHE_HOME: cache,
      npm_config_registry: "http://127.0.0.1:9/",
      npm_config_cache: join(cache, "npm"),
      npm_config_fetch_retries: "0",
    },
  });
  const { code, stdout, stderr } = await ended;
  expect(code).toBe(1);
  expect(stdout).toBe("");
  expect(stderr).toContain("node-llama-cpp could not be installed");
  expect(stderr).toContain("ECONNREFUSED");
  expect(await readdir(join(cache, "batchframe"))).toEqual([]);
});
