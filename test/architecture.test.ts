import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { codeBreaches, errorCodes, rowErrorCodes } from "./architecture/codes.ts";
import { undocumentedExports } from "./architecture/comments.ts";
import { importBreaches } from "./architecture/imports.ts";
import type { Package } from "./architecture/imports.ts";
import { readSources } from "./architecture/source.ts";
import { textBreaches } from "./architecture/text.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const sources = readSources(root, "src");

interface Manifest {
  readonly exports: Readonly<Record<string, string | { readonly default: string }>>;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

function described(): Package {
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const { dependencies, peerDependencies, optionalDependencies } = manifest;
  return {
    dependencies: Object.keys({ ...dependencies, ...peerDependencies, ...optionalDependencies }),
    publicFaces: Object.values(manifest.exports).flatMap((it) =>
      typeof it === "string" ? [] : [it.default.replace(/^\.\/dist\/(.*)\.js$/, "src/$1.ts")],
    ),
  };
}

describe("src", () => {
  it("keeps its imports to the rooms", () => {
    expect(sources.size).toBeGreaterThan(10);
    expect(importBreaches(sources, described())).toEqual([]);
  });

  it("documents every export", () => {
    expect(undocumentedExports(sources)).toEqual([]);
  });

  it("uses error codes that are literals", () => {
    expect([...errorCodes(sources).unreadable, ...rowErrorCodes(sources).unreadable]).toEqual([]);
  });

  it("uses the error codes of docs/errors.md, all of them and no others", () => {
    const path = join(root, "docs", "errors.md");
    const page = existsSync(path) ? readFileSync(path, "utf8") : "";
    const codes = [...errorCodes(sources).found, ...rowErrorCodes(sources).found];
    expect(codeBreaches(codes, page)).toEqual([]);
  });

  it("is short, finished and typed", () => {
    expect(textBreaches(sources)).toEqual([]);
  });
});
