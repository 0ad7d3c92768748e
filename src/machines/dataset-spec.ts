/** What is recorded of a run that many machines share, so that any worker can take a part of it. */

import type { Json } from "../core/hash.ts";
import type { JsonSeen } from "../frame/json-types.ts";
import { readSpec, type Spec } from "../session/run-spec.ts";

/** How the parts of a run are driven, whichever worker drives them. */
export interface SharedConduct {
  readonly requestsPerChunk: number | null;
  readonly pollEveryMs: number | null;
  readonly maxResends: number;
  readonly keepRemote: boolean;
  readonly stallMs: number | null;
  /** How the cache of all shared runs is used; null for not at all. */
  readonly cache: { readonly reads: boolean } | null;
}

/** What shows only in the whole of an input of JSON. */
export interface WholeInput {
  /** Stands for the files that it was found in. */
  readonly source: string;
  /** The columns in the order of their first coming, and what was seen of their values. */
  readonly columns: readonly (readonly [name: string, seen: JsonSeen])[];
}

/** The settings of a run that many machines share; holds no key. */
export interface DatasetSpec {
  readonly run: Spec;
  readonly conduct: SharedConduct;
  /** How long a new batch may take to appear at the provider; null for the provider's own advice. */
  readonly settleMs: number | null;
  /** By what of the whole input each part is read; null where by nothing. */
  readonly whole: WholeInput | null;
}

/** The settings as a dataset records them. */
export function datasetSpec(recorded: Json): DatasetSpec {
  const spec = recorded as unknown as Omit<DatasetSpec, "run"> & { readonly run: Json };
  return { ...spec, run: readSpec({ spec: spec.run }) };
}
