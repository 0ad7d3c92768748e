/** The emulator's own routes, under `/emulator`: faults, counts, calls, and release. */
import { BatchframeError } from "../core/errors.ts";
import { readBody, type Call, type Profile, type Reply } from "./http.ts";
import { isJsonObject, parseJson } from "./json.ts";
import type { World } from "./world.ts";

const MAX_BODY_BYTES = 1024 * 1024;

/** What the admin routes show and do besides the world's own. */
export interface AdminView {
  /** What `GET /emulator/stats` answers. */
  readonly stats: () => unknown;
  /** Lets go of a held batch, or of all; gives how many. */
  readonly release: (batchId?: string) => number;
}

/** The profile of the emulator's own routes. No key is asked for and no fault strikes here. */
export function createAdminProfile(world: World, view: AdminView): Profile {
  const answer = (json: unknown): Reply => ({ status: 200, json });
  const setFaults = async (call: Call, merge: boolean): Promise<Reply> => {
    const body = await jsonBody(call);
    try {
      const kept = merge ? world.faults.current() : {};
      world.faults.set(isJsonObject(body) ? { ...kept, ...body } : body);
    } catch (error) {
      if (!(error instanceof BatchframeError)) throw error;
      const { code, message, hint } = error;
      return { status: 400, json: { error: { code, message, hint } } };
    }
    return answer(world.faults.current());
  };
  const release = async (call: Call): Promise<Reply> => {
    const body = await jsonBody(call);
    const id =
      isJsonObject(body) && typeof body["batch_id"] === "string" ? body["batch_id"] : undefined;
    return answer({ released: view.release(id) });
  };
  return {
    prefixes: ["/emulator"],
    routes: [
      { method: "GET", path: "/faults", act: () => answer(world.faults.current()) },
      { method: "POST", path: "/faults", act: (call) => setFaults(call, false) },
      { method: "PATCH", path: "/faults", act: (call) => setFaults(call, true) },
      { method: "POST", path: "/release", act: release },
      { method: "GET", path: "/stats", act: () => answer(view.stats()) },
      { method: "GET", path: "/requests", act: () => answer(world.ledger.recentCalls()) },
      { method: "GET", path: "/executions", act: ({ url }) => answer(executions(world, url)) },
    ],
    headers: (requestId) => ({ "x-request-id": requestId }),
    authorise: () => null,
    failure: (status, message) => ({ status, json: { error: { message } } }),
    faulty: false,
  };
}

function executions(world: World, url: URL): { readonly executions: number } {
  return { executions: world.ledger.executionsOfCustomId(url.searchParams.get("custom_id") ?? "") };
}

async function jsonBody(call: Call): Promise<unknown> {
  const body = await readBody(call.request, MAX_BODY_BYTES);
  return body === null || body.length === 0 ? {} : parseJson(body.toString());
}
