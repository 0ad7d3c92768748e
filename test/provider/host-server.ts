/** A server on this machine that answers as a test tells it to, for hosts that no emulator speaks for. */

import { once } from "node:events";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { onTestFinished } from "vitest";

/** One call as it arrived. */
export interface SeenCall {
  /** Verb and path, with the query. */
  readonly call: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

/** What to answer: a status and a JSON value. */
export type HostAnswer = readonly [status: number, json: unknown];

/** A server's base URL, and every call it has seen, the oldest first. */
export interface HostServer {
  readonly baseUrl: string;
  readonly seen: SeenCall[];
}

/** A server that lives as long as the test. */
export async function hostServer(answer: (seen: SeenCall) => HostAnswer): Promise<HostServer> {
  const seen: SeenCall[] = [];
  const server = createServer((request, response) => {
    const pieces: Buffer[] = [];
    request.on("data", (piece: Buffer) => pieces.push(piece));
    request.on("end", () => {
      const call = `${request.method ?? ""} ${request.url ?? ""}`;
      const { headers } = request;
      const arrived = { call, headers, body: Buffer.concat(pieces).toString() };
      seen.push(arrived);
      const [status, json] = answer(arrived);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(json));
    });
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { baseUrl: `http://127.0.0.1:${String(port)}`, seen };
}
