#!/usr/bin/env node
// Nodes as old as 12 must be able to read this file: they would otherwise stop at a syntax error or a
// missing module, which tells nobody that Node is too old. Hence no "node:" and no top-level await.

import { existsSync, readFileSync } from "fs";

const [major, minor] = process.versions.node.split(".").map(Number);

if (major > 22 || (major === 22 && minor >= 18)) {
  if (process.argv.length === 3 && process.argv[2] === "--version") {
    // Asked for by scripts again and again, and known without loading hundreds of modules.
    const manifest = new URL("../package.json", import.meta.url);
    process.stdout.write(`${JSON.parse(readFileSync(manifest, "utf8")).version}\n`);
  } else {
    // The package has no src. In a clone Node runs the sources as they are: a dist there may be of yesterday.
    const built = new URL("../dist/cli/main.js", import.meta.url);
    const source = new URL("../src/cli/main.ts", import.meta.url);
    import((existsSync(source) ? source : built).href);
  }
} else {
  const words = [
    "npx -y -p node@24 -p batchframe batchframe",
    ...process.argv.slice(2).map(quoted),
  ];
  process.stderr.write(
    `batchframe needs Node 22.18 or newer; this is v${process.versions.node}. ` +
      `With npm alone: ${words.join(" ")}\n`,
  );
  process.exitCode = 2;
}

/** The argument as a shell takes it, so that the line can be pasted as it stands. */
function quoted(text) {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replace(/'/g, "'\\''")}'`;
}
