import { execFile } from "node:child_process";
import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { homedir } from "node:os";
import { promisify } from "node:util";
import { afterEach, describe, expect, it } from "vitest";

const breaches = process.env["BATCHFRAME_TEST_BREACHES"] ?? "";
const run = promisify(execFile);

/** Reads the record of refused connections and empties it, since these tests are meant to make some. */
function takeBreaches(): string {
  const hosts = readFileSync(breaches, "utf8");
  writeFileSync(breaches, "");
  return hosts;
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? error.cause : error;
}

describe("a test", () => {
  it("has an empty home of its own", () => {
    expect(homedir()).toContain("test-home-");
    expect(readdirSync(homedir())).toEqual([]);
  });

  it("finds no key of a provider in its environment", () => {
    expect(Object.keys(process.env).filter((name) => name.endsWith("_API_KEY"))).toEqual([]);
  });
});

describe("a connection", () => {
  afterEach(takeBreaches);

  it.each(["http://192.0.2.1/", "https://example.com/", "http://[2001:db8::1]/"])(
    "to %s is refused and recorded",
    async (address) => {
      const error: unknown = await fetch(address).catch(causeOf);
      expect(String(error)).toContain("only loopback is allowed");
      expect(takeBreaches()).toContain(new URL(address).hostname.replace(/^\[|\]$/g, ""));
    },
  );

  it("made by host and port is refused and recorded", async () => {
    const { promise, reject } = Promise.withResolvers<never>();
    connect(9, "192.0.2.7").once("error", reject);
    await expect(promise).rejects.toThrow("192.0.2.7");
    expect(takeBreaches()).toBe("192.0.2.7\n");
  });

  it("from a child process is refused and recorded", async () => {
    const script = "await fetch('http://192.0.2.9/').catch((e) => console.log(e.cause.message))";
    const child = await run(process.execPath, ["--input-type=module", "-e", script]);
    expect(child.stdout).toContain("only loopback is allowed");
    expect(takeBreaches()).toBe("192.0.2.9\n");
  });

  it.each(["127.0.0.1", "localhost", "[::1]"])("to %s is let through", async (host) => {
    const server = createServer((_request, response) => response.end("here"));
    const { promise: listening, resolve } = Promise.withResolvers<undefined>();
    server.listen(0, host === "[::1]" ? "::1" : "127.0.0.1", () => {
      resolve(undefined);
    });
    await listening;
    const { port } = server.address() as AddressInfo;
    const answer = await fetch(`http://${host}:${port}/`);
    expect(await answer.text()).toBe("here");
    server.close();
    expect(takeBreaches()).toBe("");
  });
});
