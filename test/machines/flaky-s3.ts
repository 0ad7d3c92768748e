/** An S3 server of a kept package, behind a door that fails a share of all calls in every way there is. */

import { createServer, request as call, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { startFauxqs } from "fauxqs";

/** The server, running. */
export interface FlakyS3 {
  /** What programs must have in their environment to reach it. */
  readonly env: Readonly<Record<string, string>>;
  /** What was called, in order, as `PUT /bucket/key`; failed calls included. */
  calls(): readonly string[];
  /** Calls that came, and those of them that were failed. */
  counts(): { readonly calls: number; readonly failed: number };
  close(): Promise<void>;
}

const BUCKET = "shared";

/** Starts the server with an empty bucket; every `failsEvery`th call fails. */
export async function startFlakyS3(failsEvery: number): Promise<FlakyS3> {
  const server = await startFauxqs({ port: 0, logger: false, init: { buckets: [BUCKET] } });
  let calls = 0;
  let failed = 0;
  const called: string[] = [];
  const door: Server = createServer((incoming, answer) => {
    calls += 1;
    called.push(`${incoming.method ?? ""} ${incoming.url ?? ""}`);
    const way = calls % failsEvery === 0 ? (failed += 1) % 3 : null;
    // Cut off before anything was done.
    if (way === 0) {
      incoming.socket.destroy();
      return;
    }
    const onward = call(
      {
        ...{ host: "127.0.0.1", port: server.port, method: incoming.method, path: incoming.url },
        headers: incoming.headers,
      },
      (found) => {
        // Done, and the answer is lost.
        if (way === 1) {
          found.resume();
          incoming.socket.destroy();
          return;
        }
        // Done, and told otherwise.
        if (way === 2) {
          found.resume();
          answer.writeHead(503).end();
          return;
        }
        answer.writeHead(found.statusCode ?? 500, found.headers);
        found.pipe(answer);
      },
    );
    onward.on("error", () => {
      incoming.socket.destroy();
    });
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => door.listen(0, "127.0.0.1", resolve));
  const { port } = door.address() as AddressInfo;
  return {
    env: {
      AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${String(port)}`,
      AWS_ACCESS_KEY_ID: "test",
      AWS_SECRET_ACCESS_KEY: "test-secret",
      AWS_REGION: "us-east-1",
    },
    calls: () => called,
    counts: () => ({ calls, failed }),
    close: async () => {
      door.closeAllConnections();
      await new Promise((resolve) => door.close(resolve));
      await server.stop();
    },
  };
}
