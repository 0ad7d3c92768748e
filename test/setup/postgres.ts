/** A PostgreSQL server of Debian's package, for one test file: real, private, and gone afterwards. */

import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  chmodSync,
  chownSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
} from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";

/** A server that runs. */
export interface PostgresServer {
  readonly port: number;
  /** A database of its own, empty; gives its address. */
  database(): Promise<string>;
  /** Stops the server as a crash would, and starts it again on the same files. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

// PostgreSQL refuses to run as root; this user exists everywhere and owns nothing.
const NOBODY = 65_534;

/** Starts a server with an empty cluster. Speed is bought with `fsync=off`: no test cuts the power. */
export async function startPostgres(): Promise<PostgresServer> {
  const bin = binaries();
  const isRoot = process.getuid?.() === 0;
  const user = isRoot ? { uid: NOBODY, gid: NOBODY } : {};
  const folder = mkdtempSync(join(tmpdir(), "postgres-"));
  const data = join(folder, "data");
  mkdirSync(data);
  if (isRoot) {
    for (const path of [folder, data]) chownSync(path, NOBODY, NOBODY);
    chmodSync(tmpdir(), 0o711);
  }
  chmodSync(data, 0o700);
  const made = spawnSync(
    join(bin, "initdb"),
    ["-D", data, "-U", "test", "--auth=trust", "--no-sync", "--encoding=UTF8", "--locale=C"],
    { ...user, encoding: "utf8", cwd: folder },
  );
  if (made.status !== 0) throw new Error(`initdb failed: ${made.stderr}`);
  const port = await freePort();
  let server = run();
  await answering(port);
  let databases = 0;
  return {
    port,
    database: async () => {
      databases += 1;
      const name = `test_${String(databases)}`;
      await once(port, `create database ${name}`);
      return `postgres://test@127.0.0.1:${String(port)}/${name}`;
    },
    restart: async () => {
      await ended(server, "SIGQUIT");
      server = run();
      await answering(port);
    },
    stop: async () => {
      await ended(server, "SIGQUIT");
      rmSync(folder, { recursive: true, force: true });
    },
  };

  function run(): ChildProcess {
    const settings = [
      `listen_addresses=127.0.0.1`,
      `port=${String(port)}`,
      "unix_socket_directories=",
      "fsync=off",
      "max_connections=120",
      "shared_buffers=32MB",
    ];
    const args = ["-D", data, ...settings.flatMap((setting) => ["-c", setting])];
    return spawn(join(bin, "postgres"), args, { ...user, stdio: "ignore", cwd: folder });
  }
}

function binaries(): string {
  const folders = [
    ...globSync("/usr/lib/postgresql/*/bin").sort().reverse(),
    ...(process.env["PATH"] ?? "").split(":"),
  ];
  const found = folders.find((folder) => existsSync(join(folder, "initdb")));
  if (found === undefined)
    throw new Error("There is no PostgreSQL server here. Install it: scripts/debian-packages.sh");
  return found;
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function once(port: number, statement: string): Promise<void> {
  const client = new pg.Client({ host: "127.0.0.1", port, user: "test", database: "postgres" });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

async function answering(port: number): Promise<void> {
  for (let tries = 0; ; tries += 1) {
    try {
      await once(port, "select 1");
      return;
    } catch (error) {
      if (tries > 300) throw error;
      await sleep(50);
    }
  }
}

async function ended(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const end = new Promise((resolve) => server.once("exit", resolve));
  server.kill(signal);
  await end;
}
