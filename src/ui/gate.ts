/** Who may read the pages: whoever has the address that was printed, from a browser on this machine. */

import { randomBytes, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";

/** What a request is answered with before any page is made. */
export type Verdict =
  | { readonly kind: "pass" }
  /** The token was in the address: it goes into a cookie, and out of the address. */
  | { readonly kind: "enter"; readonly cookie: string; readonly location: string }
  | { readonly kind: "refuse"; readonly status: 403 | 405; readonly why: string };

/** The gate of one server. */
export interface Gate {
  /** Random, to be put into the address that is printed. */
  readonly token: string;
  judge(request: IncomingMessage, port: number): Verdict;
}

/** A gate with a token of its own. */
export function openGate(): Gate {
  const token = randomBytes(24).toString("base64url");
  return { token, judge: (request, port) => verdict(request, port, token) };
}

const LOCAL = ["127.0.0.1", "localhost"];

function verdict(
  { method, headers, url = "/" }: IncomingMessage,
  port: number,
  token: string,
): Verdict {
  const { host = "", origin, cookie = "" } = headers;
  // A name that somebody else's server answers for may be made to mean this machine: its pages would
  // then read ours, were it not for the name they ask under.
  if (!LOCAL.some((name) => host === `${name}:${String(port)}`))
    return { kind: "refuse", status: 403, why: "These pages are read at 127.0.0.1 only." };
  if (origin !== undefined && origin !== `http://${host}`)
    return { kind: "refuse", status: 403, why: "Another page asked for this one." };
  if (method !== "GET")
    return { kind: "refuse", status: 405, why: "These pages can only be read." };
  // Cookies are not kept apart by port.
  const name = `batchframe-${String(port)}`;
  // Some paths are no address at all, "//" for one: whoever sends those must not end the server.
  const address = URL.parse(url, "http://127.0.0.1");
  if (address === null) return { kind: "refuse", status: 403, why: "This is no address." };
  const given = address.searchParams.get("token");
  if (given !== null && isSame(given, token)) {
    address.searchParams.delete("token");
    return {
      kind: "enter",
      cookie: `${name}=${token}; HttpOnly; SameSite=Strict; Path=/`,
      // Two slashes at the beginning would name another server.
      location: `${address.pathname.replace(/^\/+/, "/")}${address.search}`,
    };
  }
  const carried = cookie.split(/; */).find((pair) => pair.startsWith(`${name}=`)) ?? "";
  if (isSame(carried.slice(name.length + 1), token)) return { kind: "pass" };
  return {
    kind: "refuse",
    status: 403,
    why: "Open the address that batchframe ui printed, with its token.",
  };
}

function isSame(given: string, token: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(token)];
  return a.length === b.length && timingSafeEqual(a, b);
}
