import { spawnSync } from "node:child_process";
import { defineConfig } from "vitest/config";

/** The seed of the property tests: of this commit's files, so that each commit tries inputs of its own. */
function seed(): string {
  const { stdout } = spawnSync("git", ["rev-parse", "HEAD^{tree}"], { encoding: "utf8" });
  // Without git, as in an archive of the sources, any will do.
  return String(Number.parseInt((stdout || "1").slice(0, 7), 16));
}

export default defineConfig({
  test: {
    environment: "node",
    include: ["test/**/*.test.ts"],
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: ["test/setup/temporary.ts"],
    setupFiles: ["test/setup/loopback-only.mjs", "test/setup/isolate.ts"],
    env: { TEST_SEED: process.env["TEST_SEED"] ?? seed() },
    unstubEnvs: true,
    restoreMocks: true,
  },
});
