import { builtinModules } from "node:module";
import { posix } from "node:path";
import ts from "typescript";
import { importsOf, parse } from "./source.ts";
import type { Import, Sources } from "./source.ts";

/** Whom a room may import, besides Node's own modules and packages. */
interface Rule {
  /** Rooms and files whose values may be imported, besides the room's own files. */
  readonly values: readonly string[];
  /** Files of which only types may be imported. */
  readonly types: readonly string[];
  /** The files of its own room that the room's other files may import; all of them when absent. */
  readonly own?: readonly string[];
  /** False where neither packages nor Node's modules may be imported, save those in `BUILTINS_IN_CORE`. */
  readonly outside?: false;
}

const INTERFACES = ["src/frame/frame.ts", "src/provider/provider.ts", "src/store/store.ts"];
const ADAPTERS = ["core", "output", "frame", "provider", "store"];
const OPTIONS = ["src/enrich-options.ts", "src/enrich-settings.ts"];
const SESSIONS = ["session", "steps", "passes", "previews"];

const RULES: Readonly<Record<string, Rule>> = {
  core: { values: [], types: [], outside: false },
  output: { values: ["core"], types: [] },
  display: { values: ["core"], types: [], outside: false },
  frame: { values: ["core"], types: [] },
  provider: { values: ["core"], types: [] },
  store: { values: ["core"], types: [] },
  stages: { values: ["core", "output"], types: INTERFACES, own: ["src/stages/ports.ts"] },
  run: { values: ["core", "stages"], types: INTERFACES },
  files: { values: ["core", "output", "frame"], types: [] },
  batches: { values: [...ADAPTERS, "files", "stages"], types: [] },
  session: {
    values: [...ADAPTERS, "display", "stages", "run", "files", "batches"],
    types: [...OPTIONS, "src/passes/cascade.ts"],
  },
  steps: { values: [...ADAPTERS, "stages", "files", "session"], types: OPTIONS },
  passes: { values: [...ADAPTERS, "stages", "files", "session", "steps"], types: OPTIONS },
  previews: { values: [...ADAPTERS, "stages", "files", "session", "steps"], types: OPTIONS },
  composition: {
    values: [...ADAPTERS, "display", "stages", "run", "files", "batches", ...SESSIONS, "runs"],
    types: [],
  },
  runs: { values: [...ADAPTERS, "stages", "run", "files", ...SESSIONS], types: [] },
  machines: { values: [...ADAPTERS, "run", "files", "session", "runs", "composition"], types: [] },
  verbs: {
    values: ["core", "files", "composition"],
    types: ["src/output/form.ts", "src/provider/models.ts"],
  },
  index: {
    values: [
      ...[...ADAPTERS, "stages", "run", "files", "batches", ...SESSIONS, "runs"],
      ...["composition", "machines", "verbs"],
    ],
    types: [],
  },
  cli: { values: ["index", "src/emulator/emulator.ts", "src/ui/server.ts"], types: [] },
  ui: {
    values: ["index", "display", ...["format", "run-state"].map((file) => `src/cli/${file}.ts`)],
    types: [],
  },
  notebook: { values: ["index", "display"], types: [] },
  emulator: { values: ["src/core/errors.ts"], types: [] },
  testing: {
    values: ["core", "src/emulator/emulator.ts"],
    types: ["src/provider/provider.ts"],
  },
};

const BUILTINS_IN_CORE = new Map([["src/core/hash.ts", ["node:crypto"]]]);

/** What the import rules need to know of the package. */
export interface Package {
  /** Names of the packages that a user's installation has or is asked to add. */
  readonly dependencies: readonly string[];
  /** Files that may consist of re-exports only. */
  readonly publicFaces: readonly string[];
}

interface Edge extends Import {
  readonly to: string;
}

/** Every breach of the import rules, as sentences that begin with the file at fault. */
export function importBreaches(sources: Sources, described: Package): string[] {
  const imports = [...sources].flatMap(([path, text]) => importsOf(path, text));
  const edges = imports
    .filter(({ specifier }) => specifier.startsWith("."))
    .map((it): Edge => ({ ...it, to: posix.join(posix.dirname(it.from), it.specifier) }));
  return [
    ...[...sources.keys()].flatMap(unknownRoom),
    ...edges.flatMap((edge) => forbiddenEdge(edge, sources)),
    ...imports.flatMap(forbiddenOutside),
    ...packagesImportedTwice(imports),
    ...undeclaredPackages(imports, described.dependencies),
    ...cycles(edges),
    ...[...sources].flatMap(([path, text]) => barrel(path, text, described.publicFaces)),
  ];
}

/** The room of a file: its folder under src, or what the top-level file is for. */
function roomOf(path: string): string {
  const [, folder, inner] = path.split("/");
  if (inner !== undefined) return folder ?? "";
  if (folder === "run.ts" || folder === "index.ts") return folder.replace(".ts", "");
  return "composition";
}

function unknownRoom(path: string): string[] {
  return roomOf(path) in RULES ? [] : [`${path} stands in a room that has no rule`];
}

function forbiddenEdge(edge: Edge, sources: Sources): string[] {
  const { from, to, typeOnly } = edge;
  if (!to.startsWith("src/")) return [`${from} imports ${to}, which is outside src`];
  if (!sources.has(to)) return [`${from} imports ${to}, which does not exist`];
  const rule = RULES[roomOf(from)];
  if (rule === undefined) return [];
  if (roomOf(from) === roomOf(to)) {
    const allowed = rule.own === undefined || rule.own.includes(to);
    return allowed ? [] : [`${from} imports ${to} of its own room, whose files stand alone`];
  }
  if (rule.values.includes(roomOf(to)) || rule.values.includes(to)) return [];
  if (!rule.types.includes(to)) return [`${from} imports ${to}`];
  return typeOnly ? [] : [`${from} imports values of ${to}; only its types may be imported`];
}

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith("node:") || builtinModules.includes(specifier);
}

function isPackage({ specifier }: Import): boolean {
  return !specifier.startsWith(".") && !isBuiltin(specifier);
}

function forbiddenOutside(it: Import): string[] {
  const { from, specifier } = it;
  if (specifier.startsWith(".")) return [];
  if (isBuiltin(specifier) && !specifier.startsWith("node:")) {
    return [`${from} imports ${specifier} without node:`];
  }
  if (RULES[roomOf(from)]?.outside !== false) return [];
  return BUILTINS_IN_CORE.get(from)?.includes(specifier) ? [] : [`${from} imports ${specifier}`];
}

function packagesImportedTwice(imports: readonly Import[]): string[] {
  const values = imports.filter((it) => isPackage(it) && !it.typeOnly);
  const byPackage = Map.groupBy(values, ({ specifier }) => packageOf(specifier));
  return [...byPackage].flatMap(([name, users]) => {
    const files = [...new Set(users.map(({ from }) => from))].sort();
    return files.length > 1 ? [`${files.join(", ")} all import ${name}`] : [];
  });
}

function undeclaredPackages(imports: readonly Import[], declared: readonly string[]): string[] {
  return imports
    .filter((it) => isPackage(it) && !declared.includes(packageOf(it.specifier)))
    .map(({ from, specifier }) => `${from} imports ${specifier}, which users do not get`);
}

/** One sentence for each cycle that a walk along the imports closes, types included. */
function cycles(edges: readonly Edge[]): string[] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const done = new Set<string>();
  const found: string[] = [];
  const follow = (path: string, trail: readonly string[]): void => {
    const start = trail.indexOf(path);
    if (start >= 0) {
      found.push(`${[...trail.slice(start), path].join(" → ")} is a cycle`);
      return;
    }
    if (done.has(path)) return;
    for (const { to } of targets.get(path) ?? []) follow(to, [...trail, path]);
    done.add(path);
  };
  for (const path of targets.keys()) follow(path, []);
  return found;
}

function barrel(path: string, text: string, publicFaces: readonly string[]): string[] {
  if (publicFaces.includes(path)) return [];
  const { statements } = parse(path, text);
  const exportsOnly = statements.every(
    (it) => ts.isExportDeclaration(it) || ts.isImportDeclaration(it),
  );
  return exportsOnly && statements.some(ts.isExportDeclaration)
    ? [`${path} holds nothing but re-exports`]
    : [];
}
