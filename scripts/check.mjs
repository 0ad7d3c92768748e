/** Checks formatting, types and lint, in that order; stops at the first that fails, with its exit code. */

import { checks, runSteps } from "./steps.mjs";

process.exitCode = await runSteps(checks);
