/** The local pages over runs: a server for one reader on this machine, which only reads. */

import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { BatchframeError, InputError } from "../index.ts";
import { markup } from "../display/html.ts";
import { diffPage } from "./diff-page.ts";
import { openGate, type Gate } from "./gate.ts";
import { document, link, type Page } from "./page.ts";
import { rowPage } from "./row-page.ts";
import { filterOf, rowsPage } from "./rows-page.ts";
import { runPage } from "./run-page.ts";
import { runsPage } from "./runs-page.ts";
import { STYLE } from "./style.ts";
import { openTallies, type Tallies } from "./tally.ts";

/** Pages being served. */
export interface ServedPages {
  /** The address to open, with the token that lets its reader in; of `path`, the first page when left out. */
  url(path?: string): string;
  readonly port: number;
  close(): Promise<void>;
}

const LOOPBACK = "127.0.0.1";

/**
 * Serves pages over the runs in a directory to browsers on this machine; port 0 takes a free one.
 *
 * Nothing is written, sent, or locked: runs may be driven meanwhile.
 *
 * @throws {InputError} `port_taken`.
 */
export async function servePages({
  port,
  runDir,
}: {
  readonly port: number;
  readonly runDir: string;
}): Promise<ServedPages> {
  const gate = openGate();
  const closing = new AbortController();
  const pages = { runDir, tallies: openTallies(closing.signal) };
  const server = createServer((request, response) => {
    void answer({ request, response, gate, pages, closing: closing.signal });
  });
  const at = await listening(server, port);
  return {
    url: (path = "/") => {
      const address = new URL(path, `http://${LOOPBACK}:${String(at)}`);
      address.searchParams.set("token", gate.token);
      return address.href;
    },
    port: at,
    close: async () => {
      closing.abort();
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
    },
  };
}

async function listening(server: Server, port: number): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EADDRINUSE") reject(error);
      else
        reject(
          new InputError("port_taken", `Port ${String(port)} is in use by another process.`, {
            hint: "Choose another --port, or leave it out: any free one is taken then.",
            cause: error,
          }),
        );
    });
    server.listen(port, LOOPBACK, resolve);
  });
  return (server.address() as AddressInfo).port;
}

// Nothing runs and nothing is loaded but the stylesheet; a cell's side is set by an attribute.
const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "style-src-attr 'unsafe-inline'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "cache-control": "no-store",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
} as const;

interface Pages {
  readonly runDir: string;
  readonly tallies: Tallies;
}

interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly gate: Gate;
  readonly pages: Pages;
  readonly closing: AbortSignal;
}

async function answer({ request, response, gate, pages, closing }: Asked): Promise<void> {
  const send = (status: number, type: string, body: string, more = {}): void => {
    response.writeHead(status, { ...HEADERS, ...more, "content-type": `${type}; charset=utf-8` });
    response.end(body);
  };
  const verdict = gate.judge(request, request.socket.localPort ?? 0);
  if (verdict.kind === "refuse") {
    send(verdict.status, "text/plain", `${verdict.why}\n`);
    return;
  }
  if (verdict.kind === "enter") {
    send(303, "text/plain", "", { location: verdict.location, "set-cookie": verdict.cookie });
    return;
  }
  const left = new AbortController();
  response.once("close", () => {
    left.abort();
  });
  const address = new URL(request.url ?? "/", `http://${LOOPBACK}`);
  if (address.pathname === "/style.css") {
    send(200, "text/css", STYLE);
    return;
  }
  try {
    const page = await pageAt(address, pages, AbortSignal.any([left.signal, closing]));
    if (page === null) send(404, "text/html", document(sorry("There is no such page.", "")));
    else send(200, "text/html", document(page));
  } catch (error) {
    if (left.signal.aborted || closing.aborted) return;
    const isKnown = error instanceof BatchframeError;
    const message = isKnown ? error.message : `This page could not be made: ${String(error)}`;
    const status = isKnown && NOT_FOUND.has(error.code) ? 404 : 500;
    send(status, "text/html", document(sorry(message, isKnown ? (error.hint ?? "") : "")));
  }
}

const NOT_FOUND = new Set(["run_unknown", "run_ambiguous", "row_unknown", "output_missing"]);

async function pageAt(
  { pathname, searchParams }: URL,
  { runDir, tallies }: Pages,
  signal: AbortSignal,
): Promise<Page | null> {
  const of = (name: string): string => searchParams.get(name) ?? "";
  if (pathname === "/") return await runsPage(runDir);
  if (pathname === "/run") return await runPage(of("run"), runDir, tallies);
  if (pathname === "/rows") return await rowsPage(filterOf(searchParams), runDir, signal);
  if (pathname === "/row") return await rowPage(of("run"), of("row"), runDir);
  if (pathname === "/diff") return await diffPage(of("before"), of("after"), runDir);
  return null;
}

function sorry(message: string, hint: string): Page {
  return {
    title: "This page cannot be shown",
    above: [link("Runs", "/")],
    body: [markup`<p>${message}</p>`, markup`<p class="bf-dim">${hint}</p>`],
  };
}
