/** The emulator's world as one host sees it: its rules, its limits, and its own files alone. */
import type { FileStore } from "./file-store.ts";
import type { HostRules, IdForm } from "./openai-rules.ts";
import type { World } from "./world.ts";

/** A world and the host that is spoken for in it. */
export interface HostWorld extends World {
  readonly host: HostRules;
}

/** The part of `world` that belongs to one host; time, faults, counts and seed are shared. */
export function hostWorld(world: World, host: HostRules): HostWorld {
  const { settings } = world;
  const maxRequests = settings.limits.maxRequests ?? host.maxRequests ?? settings.maxRequests;
  const maxBytes = settings.limits.maxBytes ?? host.maxBytes ?? settings.maxBytes;
  return {
    ...world,
    host,
    settings: { ...settings, maxRequests, maxBytes },
    files: ownFiles(world.files),
  };
}

/** A fresh id of the form that the host gives to its files or batches. */
export function newHostId(world: HostWorld, kind: keyof HostRules["ids"]): string {
  const { prefix, digits }: IdForm = world.host.ids[kind];
  if (digits !== "uuid") return world.newId(prefix, digits);
  const hex = world.newId(prefix, 32).slice(prefix.length);
  return prefix + hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5");
}

/** A store in which only the files added here are found: one host's client never sees another's. */
function ownFiles(files: FileStore): FileStore {
  const own = new Set<string>();
  return {
    ...files,
    add(file) {
      own.add(file.id);
      files.add(file);
    },
    find: (id, nowMs) => (own.has(id) ? files.find(id, nowMs) : null),
    remove: (id) => (own.has(id) ? files.remove(id) : Promise.resolve(false)),
    all: () => files.all().filter(({ id }) => own.has(id)),
  };
}
