import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (name: string): unknown => JSON.parse(readFileSync(join(root, name), "utf8"));

type Versions = Readonly<Record<string, string>>;

interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Versions;
  readonly devDependencies: Versions;
}

interface Locked extends Partial<Manifest> {
  readonly resolved?: string;
}

const manifest = read("package.json") as Manifest;
const lock = read("package-lock.json") as {
  readonly packages: Readonly<Record<string, Locked>>;
};

describe("package.json", () => {
  it("names an exact version of every dependency", () => {
    const versions = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(versions.length).toBeGreaterThan(5);
    expect(versions.filter(([, it]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(it))).toEqual([]);
  });

  it("asks for the oldest Node that runs TypeScript files as they are", () => {
    expect(manifest.engines.node).toBe(">=22.18");
  });
});

describe("package-lock.json", () => {
  it("records no address that packages were downloaded from", () => {
    const packages = Object.entries(lock.packages);
    expect(packages.length).toBeGreaterThan(50);
    expect(packages.filter(([, it]) => it.resolved !== undefined)).toEqual([]);
  });

  it("was written for this package.json", () => {
    const { name, version, engines, dependencies, devDependencies } = lock.packages[""] ?? {};
    expect({ name, version, engines, dependencies, devDependencies }).toEqual({
      name: manifest.name,
      version: manifest.version,
      engines: manifest.engines,
      dependencies: manifest.dependencies,
      devDependencies: manifest.devDependencies,
    });
  });
});

describe("the packed package", () => {
  it("holds the command, the model and the licence, and neither tests, sources nor data", async () => {
    const args = ["pack", "--dry-run", "--json", "--ignore-scripts", "--offline"];
    const { stdout } = await promisify(execFile)("npm", args, {
      cwd: root,
      env: { ...process.env, npm_config_update_notifier: "false" },
    });
    const [packed] = JSON.parse(stdout) as [
      { readonly files: readonly { readonly path: string }[] },
    ];
    const paths = packed.files.map(({ path }) => path);
    expect(paths).toEqual(expect.arrayContaining(["LICENSE", "package.json", "bin/batchframe.js"]));
    expect(paths).toEqual(
      expect.arrayContaining(["THIRD-PARTY-NOTICES.md", "models/use-lite/LICENSE"]),
    );
    const expected =
      /^(bin|dist|models)\/|^(json-output\.schema\.json|LICENSE|README\.md|CHANGELOG\.md|THIRD-PARTY-NOTICES\.md|package\.json)$/;
    expect(paths.filter((path) => !expected.test(path))).toEqual([]);
  });
});
