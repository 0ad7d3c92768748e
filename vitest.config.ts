import { defineConfig } from "vitest/config";

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
    unstubEnvs: true,
    restoreMocks: true,
  },
});
