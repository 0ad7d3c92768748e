/** Lets a Node process find node-llama-cpp in the folder that BATCHFRAME_LLAMA names; `with-llama.mjs` loads this. */

import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const parentURL = pathToFileURL(join(process.env.BATCHFRAME_LLAMA ?? "", "resolve.js")).href;

registerHooks({
  resolve: (specifier, context, next) =>
    next(specifier, specifier === "node-llama-cpp" ? { ...context, parentURL } : context),
});
