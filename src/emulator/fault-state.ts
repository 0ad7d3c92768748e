/** The faults in force and what is left of each. */
import { checkedFaults } from "./fault-check.ts";
import type { Dose, DoseName, Faults, Strike } from "./faults.ts";
import { draw, type DrawKey } from "./random.ts";

/** What a fault may strike, and what the draw depends on. */
export interface Target {
  /** What tells this case from the others; the same key always has the same luck. */
  readonly key: readonly DrawKey[];
  readonly customId?: string | null;
  /** Gives the text that `containing` is looked for in. */
  readonly text?: () => string;
  readonly route?: string;
}

/** The faults of one emulator. */
export interface FaultState {
  /** The faults as they were last set. */
  current(): Faults;
  /** Puts `faults` in force in place of all others, with fresh counts. Throws `InputError` for nonsense. */
  set(faults: unknown): void;
  /** The details of the fault when it strikes this target (and uses up one of its count), else null. */
  strike<Name extends DoseName>(name: Name, target: Target): Strike<Name> | null;
}

interface AnyDose extends Dose {
  readonly customIds?: readonly string[];
  readonly containing?: string;
  readonly routes?: readonly string[];
}

/** A fault state in which `faults` are in force and rates are drawn from `seed`. */
export function createFaultState(seed: number, faults: unknown): FaultState {
  let current = checkedFaults(faults);
  let used = new Map<string, number>();
  return {
    current: () => current,
    set(next) {
      current = checkedFaults(next);
      used = new Map();
    },
    strike<Name extends DoseName>(name: Name, target: Target): Strike<Name> | null {
      const given = current[name];
      if (given === undefined) return null;
      const dose: AnyDose = typeof given === "object" ? given : detailsOfNumber(name, given);
      const before = used.get(name) ?? 0;
      if (before >= (dose.count ?? Infinity) || !concerns(dose, target)) return null;
      if (draw(seed, name, ...target.key) >= (dose.rate ?? 1)) return null;
      used.set(name, before + 1);
      return dose as Strike<Name>;
    },
  };
}

function detailsOfNumber(name: DoseName, value: number): AnyDose & { readonly fraction?: number } {
  return name === "expireAfterRows" ? { fraction: value } : { rate: value };
}

function concerns(dose: AnyDose, target: Target): boolean {
  if (dose.customIds !== undefined && !dose.customIds.includes(target.customId ?? "")) return false;
  if (dose.routes !== undefined && !dose.routes.includes(target.route ?? "")) return false;
  return dose.containing === undefined || (target.text?.() ?? "").includes(dose.containing);
}
