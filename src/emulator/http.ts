/** What every protocol profile needs of HTTP: routes, replies and bodies. */
import type { IncomingMessage } from "node:http";

/** What a route answers; exactly one of `json` and `file` is given, or neither for an empty body. */
export interface Reply {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly json?: unknown;
  /** A file on disk, sent as it is. */
  readonly file?: { readonly path: string; readonly bytes: number };
  /** What the call has brought about, where the route alone does not say: faults strike by it. */
  readonly effect?: "upload" | "create" | "none";
}

/** A call on its way through a route. */
export interface Call {
  readonly request: IncomingMessage;
  readonly url: URL;
  /** What stood in the places of `{…}` in the route's path. */
  readonly parameters: readonly string[];
  /** The route's name, such as `GET /files/{id}`. */
  readonly route: string;
  readonly requestId: string;
}

/** One verb and path, and what to do. */
export interface Route {
  readonly method: string;
  /** Such as `/files/{id}/content` or `/batches/{id}:cancel`, without the profile's prefix. */
  readonly path: string;
  readonly act: (call: Call) => Promise<Reply> | Reply;
}

/** One provider's protocol: where it lives, who may call, and how it says no. */
export interface Profile {
  /** Path prefixes it answers under; the longest that fits is taken off. */
  readonly prefixes: readonly string[];
  readonly routes: readonly Route[];
  /** Headers put on every reply of this profile. */
  readonly headers: (requestId: string) => Readonly<Record<string, string>>;
  /** A refusal when the caller may not come in, else null. */
  readonly authorise: (request: IncomingMessage) => Reply | null;
  /** This protocol's way of saying that a call failed with `status`. */
  readonly failure: (status: number, message: string) => Reply;
  /** Whether call faults strike here; false for the emulator's own routes. */
  readonly faulty: boolean;
}

/** Thrown by a route to answer with `reply` from any depth. */
export class RefusedCall extends Error {
  readonly reply: Reply;

  constructor(reply: Reply) {
    super(`The call was refused with status ${String(reply.status)}.`);
    this.reply = reply;
  }
}

/** A route that fits a call. */
export interface Match {
  readonly profile: Profile;
  readonly route: Route;
  readonly parameters: readonly string[];
}

/**
 * The route for `method` and `pathname`, or the profile alone when only the prefix fits.
 *
 * Profiles are tried in order. Null when no profile has the prefix.
 */
export function matchRoute(
  profiles: readonly Profile[],
  method: string,
  pathname: string,
): Match | { readonly profile: Profile; readonly route: null } | null {
  const slashed = `${pathname}/`;
  for (const profile of profiles) {
    const rest = withoutPrefix(profile.prefixes, slashed);
    if (rest === null) continue;
    const given = rest.replace(/\/{1,2}$/, "").split("/");
    for (const route of profile.routes) {
      const parameters = route.method === method ? fit(segmentsOf(route), given) : null;
      if (parameters !== null) return { profile, route, parameters };
    }
    return { profile, route: null };
  }
  return null;
}

/** What comes after the longest prefix that fits, the slash at the end included. */
function withoutPrefix(prefixes: readonly string[], slashed: string): string | null {
  let longest = -1;
  for (const prefix of prefixes) {
    const { length } = prefix;
    if (length > longest && slashed[length] === "/" && slashed.startsWith(prefix)) longest = length;
  }
  return longest < 0 ? null : slashed.slice(longest);
}

const segments = new WeakMap<Route, readonly string[]>();

function segmentsOf(route: Route): readonly string[] {
  const known = segments.get(route);
  if (known !== undefined) return known;
  const made = route.path.split("/");
  segments.set(route, made);
  return made;
}

function fit(wanted: readonly string[], given: readonly string[]): readonly string[] | null {
  if (wanted.length !== given.length) return null;
  const parameters: string[] = [];
  for (const [index, name] of wanted.entries()) {
    const value = given[index] ?? "";
    // A parameter may be followed by a fixed text in the same segment, as in `{id}:cancel`.
    const fixed = name.startsWith("{") ? name.slice(name.indexOf("}") + 1) : null;
    if (fixed !== null && value.length > fixed.length && value.endsWith(fixed))
      parameters.push(decoded(value.slice(0, value.length - fixed.length)));
    else if (name !== value) return null;
  }
  return parameters;
}

/** `text` without its percent signs, or as it stands when they are malformed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The whole body of `request`; null when it is longer than `maxBytes`. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<Buffer | null> {
  const pieces: Buffer[] = [];
  let bytes = 0;
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | null>();
  const cut = (): void => {
    reject(new Error("The connection ended before the body did."));
  };
  // One that is gone by now tells nobody of it again.
  if (request.destroyed) cut();
  // Where bodies are of one piece, an iterator over the stream takes longer than all else that is done with them.
  request.on("data", (piece: Buffer) => {
    bytes += piece.length;
    if (bytes <= maxBytes) pieces.push(piece);
  });
  request.on("end", () => {
    resolve(bytes > maxBytes ? null : Buffer.concat(pieces));
  });
  request.on("error", reject);
  request.on("close", cut);
  return promise;
}
