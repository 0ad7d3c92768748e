import { describe, expect, it } from "vitest";
import { importBreaches } from "./imports.ts";
import type { Sources } from "./source.ts";

/** A small tree that keeps every rule, with some files replaced or added. */
function tree(changes: Readonly<Record<string, string>> = {}): Sources {
  const sound = {
    "src/core/errors.ts": "export class BatchframeError extends Error {}",
    "src/core/hash.ts": 'import { createHash } from "node:crypto";\nexport const h = createHash;',
    "src/core/plan.ts": 'import { h } from "./hash.ts";\nexport const plan = h;',
    "src/output/form.ts": 'import { plan } from "../core/plan.ts";\nexport const form = plan;',
    "src/frame/frame.ts":
      'import type { plan } from "../core/plan.ts";\nexport type F = typeof plan;',
    "src/frame/csv.ts": 'import { parse } from "csv-parse";\nexport const csv = parse;',
    "src/provider/provider.ts": "export type P = 1;",
    "src/store/store.ts": "export type S = 1;",
    "src/stages/ports.ts": 'import type { S } from "../store/store.ts";\nexport type Ports = S;',
    "src/stages/plan.ts": 'import type { Ports } from "./ports.ts";\nexport type X = Ports;',
    "src/stages/poll.ts": "export const poll = 1;",
    "src/run.ts": 'import { poll } from "./stages/poll.ts";\nexport const run = poll;',
    "src/enrich.ts":
      'import { run } from "./run.ts";\nimport { csv } from "./frame/csv.ts";\nexport const enrich = [run, csv];',
    "src/index.ts": 'export { enrich } from "./enrich.ts";',
    "src/cli/main.ts":
      'import { enrich } from "../index.ts";\nimport { start } from "../emulator/emulator.ts";\nexport const main = [enrich, start];',
    "src/notebook/show.ts": 'import { enrich } from "../index.ts";\nexport const show = enrich;',
    "src/emulator/emulator.ts":
      'import { BatchframeError } from "../core/errors.ts";\nexport { serve } from "./server.ts";\nexport const start = BatchframeError;',
    "src/emulator/server.ts": "export const serve = 1;",
    "src/testing/testing.ts":
      'import { start } from "../emulator/emulator.ts";\nimport type { P } from "../provider/provider.ts";\nexport const contract = (given: P) => [start, given];',
  };
  return new Map(Object.entries({ ...sound, ...changes }));
}

describe("imports", () => {
  const pack = { dependencies: ["csv-parse", "openai"], publicFaces: ["src/index.ts"] };

  it("of a tree that keeps every rule are no breach", () => {
    expect(importBreaches(tree(), pack)).toEqual([]);
  });

  it.each<[string, string, string, string]>([
    [
      "core takes another room",
      "src/core/new.ts",
      'import "../output/form.ts";',
      "src/core/new.ts imports src/output/form.ts",
    ],
    [
      "core takes a type of another room",
      "src/core/plan.ts",
      'import type { P } from "../provider/provider.ts";',
      "src/core/plan.ts imports src/provider/provider.ts",
    ],
    [
      "core takes a package",
      "src/core/plan.ts",
      'import "openai";',
      "src/core/plan.ts imports openai",
    ],
    [
      "core takes a module of Node",
      "src/core/plan.ts",
      'import "node:fs";',
      "src/core/plan.ts imports node:fs",
    ],
    [
      "core hashes outside hash.ts",
      "src/core/plan.ts",
      'import "node:crypto";',
      "src/core/plan.ts imports node:crypto",
    ],
    [
      "hash.ts takes more than node:crypto",
      "src/core/hash.ts",
      'import "node:os";',
      "src/core/hash.ts imports node:os",
    ],
    [
      "an adapter takes another room",
      "src/provider/a.ts",
      'import "../frame/csv.ts";',
      "src/provider/a.ts imports src/frame/csv.ts",
    ],
    [
      "an adapter takes a type by import()",
      "src/store/a.ts",
      'export type A = import("../frame/frame.ts").F;',
      "src/store/a.ts imports src/frame/frame.ts",
    ],
    [
      "output takes a stage",
      "src/output/form.ts",
      'import "../stages/poll.ts";',
      "src/output/form.ts imports src/stages/poll.ts",
    ],
    [
      "an adapter loads another room late",
      "src/frame/a.ts",
      'await import("../store/store.ts");',
      "src/frame/a.ts imports src/store/store.ts",
    ],
    [
      "a stage takes another",
      "src/stages/plan.ts",
      'import type { poll } from "./poll.ts";',
      "src/stages/plan.ts imports src/stages/poll.ts of its own room, whose files stand alone",
    ],
    [
      "a stage takes an adapter",
      "src/stages/plan.ts",
      'import type { csv } from "../frame/csv.ts";',
      "src/stages/plan.ts imports src/frame/csv.ts",
    ],
    [
      "a stage takes a value of an interface",
      "src/stages/plan.ts",
      'import { type S, S2 } from "../store/store.ts";',
      "src/stages/plan.ts imports values of src/store/store.ts; only its types may be imported",
    ],
    [
      "run.ts takes an adapter",
      "src/run.ts",
      'import "./frame/csv.ts";',
      "src/run.ts imports src/frame/csv.ts",
    ],
    [
      "run.ts takes output",
      "src/run.ts",
      'import "./output/form.ts";',
      "src/run.ts imports src/output/form.ts",
    ],
    [
      "run.ts takes the composition root",
      "src/run.ts",
      'import type { enrich } from "./session/session.ts";',
      "src/run.ts imports src/session/session.ts",
    ],
    [
      "a session takes the public calls",
      "src/session/session.ts",
      'import { enrich } from "../enrich.ts";',
      "src/session/session.ts imports src/enrich.ts",
    ],
    [
      "files take a session",
      "src/files/a.ts",
      'import type { enrich } from "../session/session.ts";',
      "src/files/a.ts imports src/session/session.ts",
    ],
    [
      "the composition root takes the command line",
      "src/enrich.ts",
      'import "./cli/args.ts";',
      "src/enrich.ts imports src/cli/args.ts",
    ],
    [
      "the command line reaches behind the index",
      "src/cli/main.ts",
      'import "../core/plan.ts";',
      "src/cli/main.ts imports src/core/plan.ts",
    ],
    [
      "the command line reaches into the emulator",
      "src/cli/main.ts",
      'import "../emulator/server.ts";',
      "src/cli/main.ts imports src/emulator/server.ts",
    ],
    [
      "the notebook takes the emulator",
      "src/notebook/show.ts",
      'import "../emulator/emulator.ts";',
      "src/notebook/show.ts imports src/emulator/emulator.ts",
    ],
    [
      "the emulator shares the clients' code",
      "src/emulator/server.ts",
      'import "../core/plan.ts";',
      "src/emulator/server.ts imports src/core/plan.ts",
    ],
    [
      "the contract suite takes a provider of ours",
      "src/testing/testing.ts",
      'import { openai } from "../provider/openai.ts";\nexport const contract = openai;',
      "src/testing/testing.ts imports src/provider/openai.ts",
    ],
    [
      "the contract suite reaches into the emulator",
      "src/testing/testing.ts",
      'import { serve } from "../emulator/server.ts";\nexport const contract = serve;',
      "src/testing/testing.ts imports src/emulator/server.ts",
    ],
    [
      "the index takes the emulator",
      "src/index.ts",
      'export { start } from "./emulator/emulator.ts";',
      "src/index.ts imports src/emulator/emulator.ts",
    ],
    [
      "a room has no rule",
      "src/helpers/a.ts",
      "export const a = 1;",
      "src/helpers/a.ts stands in a room that has no rule",
    ],
    [
      "src takes a test",
      "src/frame/csv.ts",
      'import "../../test/frame/csv.ts";',
      "src/frame/csv.ts imports test/frame/csv.ts, which is outside src",
    ],
    [
      "a file is not there",
      "src/frame/csv.ts",
      'import "./gone.ts";',
      "src/frame/csv.ts imports src/frame/gone.ts, which does not exist",
    ],
    [
      "a module of Node goes without its prefix",
      "src/frame/csv.ts",
      'import "fs/promises";',
      "src/frame/csv.ts imports fs/promises without node:",
    ],
    [
      "two files take one package",
      "src/frame/a.ts",
      'import "csv-parse/sync";',
      "src/frame/a.ts, src/frame/csv.ts all import csv-parse",
    ],
    [
      "a package is not a dependency",
      "src/provider/a.ts",
      'import "@scope/made-up/deep";',
      "src/provider/a.ts imports @scope/made-up/deep, which users do not get",
    ],
    [
      "a barrel stands in a room",
      "src/frame/all.ts",
      'export * from "./csv.ts";',
      "src/frame/all.ts holds nothing but re-exports",
    ],
    [
      "a barrel imports and lists",
      "src/frame/all.ts",
      'import { csv } from "./csv.ts";\nexport { csv };',
      "src/frame/all.ts holds nothing but re-exports",
    ],
  ])("are caught when %s", (_what, path, text, breach) => {
    const helpers = {
      "src/session/session.ts": "export const enrich = 1;",
      "src/cli/args.ts": "export const args = 1;",
      "src/provider/openai.ts": "export const openai = 1;",
    };
    const found = importBreaches(tree({ ...helpers, [path]: text }), pack);
    expect(found).toEqual([breach]);
  });

  it("of types only from a package are free", () => {
    const changes = {
      "src/frame/a.ts": 'import type { Parser } from "csv-parse";\nexport type A = Parser;',
    };
    expect(importBreaches(tree(changes), pack)).toEqual([]);
  });

  it.each([
    ["values", 'import { b } from "./b.ts";\nexport const a = b;'],
    ["types", 'import type { B } from "./b.ts";\nexport type A = B;'],
  ])("of %s in a circle are caught", (_kind, text) => {
    const back = text.replaceAll("b", "a").replaceAll("B", "C");
    const found = importBreaches(tree({ "src/frame/a.ts": text, "src/frame/b.ts": back }), pack);
    expect(found).toEqual(["src/frame/a.ts → src/frame/b.ts → src/frame/a.ts is a cycle"]);
  });
});
