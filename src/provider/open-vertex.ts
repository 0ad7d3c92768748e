/** The vertex provider, from what a model is spelt out as and what the environment says. */

import { pacingOf, type Pacing } from "./pacing.ts";
import type { BatchProvider } from "./provider.ts";
import { assertStorageLibrary } from "./storage-library.ts";
import { vertexPlace } from "./vertex-settings.ts";
import { vertexProvider } from "./vertex.ts";

/** What a model needs to say of itself. */
export interface VertexSpec extends Pacing {
  readonly model: string;
  readonly baseUrl?: string;
  readonly apiKey?: string;
  readonly settleMs?: number;
}

/**
 * The provider for a model on Vertex.
 *
 * @throws {InputError} `environment_invalid`, `base_url_invalid`, `package_missing` or
 * `option_unsupported`; nothing was sent.
 */
export function openVertexProvider(spec: VertexSpec): BatchProvider {
  const place = vertexPlace(spec.baseUrl);
  assertStorageLibrary();
  return vertexProvider({
    ...place,
    model: spec.model,
    ...(spec.apiKey === undefined ? {} : { accessToken: spec.apiKey }),
    pacing: pacingOf(spec),
    ...(spec.settleMs === undefined ? {} : { settleMs: spec.settleMs }),
  });
}
