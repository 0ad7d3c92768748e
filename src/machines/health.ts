/** A worker's health for whoever looks after it: an answer whether it can work, and its numbers for Prometheus. */

import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import type * as Library from "prom-client";
import { InputError } from "../core/errors.ts";
import { assertPackage } from "../core/needed-package.ts";
import type { Database } from "../store/postgres-client.ts";
import type { Noted } from "./worker-log.ts";

/** The health of a worker, being served. */
export interface WorkerHealth {
  readonly port: number;
  /** Counts an event of the worker. */
  noted(event: Noted): void;
  close(): Promise<void>;
}

// An orchestrator asks every few seconds and gives up soon.
const ANSWER_WITHIN_MS = 3000;

/**
 * Serves `/health` (200 while the database answers, else 503) and `/metrics` on every address of this
 * machine; port 0 takes a free one.
 *
 * @throws {InputError} `package_missing` without prom-client, `port_taken`.
 */
export async function serveWorkerHealth({
  port,
  database,
}: {
  readonly port: number;
  readonly database: Database;
}): Promise<WorkerHealth> {
  const prom = await metricsLibrary();
  const registry = new prom.Registry();
  prom.collectDefaultMetrics({ register: registry });
  const register = { registers: [registry] };
  const events = new prom.Counter({
    ...{ name: "batchframe_worker_events_total", help: "What happened, by kind." },
    ...{ labelNames: ["event", "code"] as const, ...register },
  });
  const rows = new prom.Counter({
    ...{ name: "batchframe_rows_total", help: "Rows of finished parts, by outcome." },
    ...{ labelNames: ["outcome"] as const, ...register },
  });
  const ticks = new prom.Histogram({
    ...{ name: "batchframe_tick_seconds", help: "How long a part was worked on at a time." },
    ...{ buckets: [0.05, 0.1, 0.5, 1, 5, 10, 60, 300], ...register },
  });
  // Loaded for workers alone: all of fetch comes with it.
  const { createServer } = await import("node:http");
  const server = createServer((request, response) => {
    const answer = async (): Promise<readonly [number, string, string]> => {
      if (request.url === "/metrics") return [200, registry.contentType, await registry.metrics()];
      if (request.url !== "/health")
        return [404, "text/plain", "There are /health and /metrics.\n"];
      const isWell = await answers(database);
      const body = JSON.stringify({ status: isWell ? "ok" : "state_unreachable" });
      return [isWell ? 200 : 503, "application/json", `${body}\n`];
    };
    answer().then(
      ([status, type, body]) => {
        response.writeHead(status, { "content-type": type }).end(body);
      },
      () => {
        response.writeHead(500).end();
      },
    );
  });
  await listening(server, port);
  return {
    port: (server.address() as AddressInfo).port,
    noted: ({ event, code = "", rows: total, failed, tookMs }) => {
      events.inc({ event, code });
      if (tookMs !== undefined) ticks.observe(tookMs / 1000);
      if (total === undefined || failed === undefined) return;
      rows.inc({ outcome: "failed" }, failed);
      rows.inc({ outcome: "written" }, total - failed);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => {
          resolve();
        });
        server.closeAllConnections();
      }),
  };
}

async function metricsLibrary(): Promise<typeof Library> {
  assertPackage("prom-client", {
    what: "A worker's numbers are counted",
    install: "prom-client, or leave out --health-port",
    resolve: createRequire(import.meta.url).resolve,
  });
  return await import("prom-client");
}

async function answers(database: Database): Promise<boolean> {
  const late = new Promise<boolean>((resolve) => {
    setTimeout(() => {
      resolve(false);
    }, ANSWER_WITHIN_MS).unref();
  });
  const asked = database.rows("select 1").then(
    () => true,
    () => false,
  );
  return await Promise.race([asked, late]);
}

async function listening(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (cause: NodeJS.ErrnoException) => {
      reject(
        new InputError(
          "port_taken",
          `Port ${String(port)} cannot be listened on (${String(cause.code)}).`,
          {
            hint: "Choose another with --health-port.",
            cause,
          },
        ),
      );
    });
    server.listen(port, () => {
      resolve();
    });
  });
}
