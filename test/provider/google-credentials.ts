/** Application default credentials for tests, which no machine but this one is asked for. */

import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { onTestFinished, vi } from "vitest";
import { newFolder } from "../frame/support.ts";

/** A token service's answer with a token. */
export const TOKEN = {
  access_token: "token-of-this-machine",
  issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
  token_type: "Bearer",
  expires_in: 3600,
};

/** What a token service answers. */
export interface TokenAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** A token service on this machine, default credentials that lead to it, and how often it was asked. */
export async function credentialsFor(answer: TokenAnswer): Promise<{ calls(): number }> {
  let calls = 0;
  const server = createServer((request, response) => {
    calls += 1;
    request.resume();
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.body));
  });
  const { promise, resolve } = Promise.withResolvers<undefined>();
  server.listen(0, "127.0.0.1", () => {
    resolve(undefined);
  });
  await promise;
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const folder = await newFolder();
  const port = String((server.address() as AddressInfo).port);
  await writeFile(join(folder, "subject.txt"), "subject");
  const credentials = {
    type: "external_account",
    audience:
      "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `http://127.0.0.1:${port}/token`,
    credential_source: { file: join(folder, "subject.txt") },
  };
  await writeFile(join(folder, "credentials.json"), JSON.stringify(credentials));
  vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", join(folder, "credentials.json"));
  vi.stubEnv("GOOGLE_CLOUD_PROJECT", "my-project");
  return { calls: () => calls };
}
