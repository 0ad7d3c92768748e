/** Has a bench run the package as it is published: what it imports from `src` is loaded from `dist`. JavaScript, since threads load it too. */

import { registerHooks } from "node:module";

const SOURCE = new URL("../src/", import.meta.url).href;
const BUILT = new URL("../dist/", import.meta.url).href;

registerHooks({
  resolve: (specifier, context, next) => {
    const found = next(specifier, context);
    if (!found.url.startsWith(SOURCE)) return found;
    const url = BUILT + found.url.slice(SOURCE.length).replace(/\.ts$/, ".js");
    return { ...found, url, format: "module" };
  },
});
