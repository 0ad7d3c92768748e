/** In whose name Google Cloud is called, and to which addresses that is ever said. */

import { isIP } from "node:net";
import type { Storage } from "@google-cloud/storage";
import { InputError, ProviderError } from "../core/errors.ts";
import type { GoogleAccess } from "./google-http.ts";
import { asRecord, numberOf, textOf } from "./json-values.ts";
import { storageLibrary } from "./storage-library.ts";

/** What Cloud Storage's library signs its calls with. */
export type AuthClient = Storage["authClient"];

/** Somebody with access to Google Cloud. */
export interface GoogleIdentity {
  /** An access token that is good for the next few minutes at least. */
  readonly token: () => Promise<string>;
  /** The same for the storage library, which renews it by itself; null for a token given by hand. */
  readonly client: (() => Promise<AuthClient>) | null;
  /** Every token there was, for redaction; grows as they are renewed. */
  readonly secrets: readonly string[];
}

/**
 * The application default credentials of this machine (`GOOGLE_APPLICATION_CREDENTIALS`, `gcloud auth
 * application-default login`, the service account of a Google machine), looked up when first needed.
 */
export function defaultIdentity(): GoogleIdentity {
  const secrets: string[] = [];
  let opened: Promise<AuthClient> | undefined;
  const client = (): Promise<AuthClient> => (opened ??= openClient());
  const token = async (): Promise<string> => {
    const found = await (await client()).getAccessToken().catch((caught: unknown) => {
      throw noCredentials(caught);
    });
    if (typeof found !== "string") throw noCredentials(null);
    if (!secrets.includes(found)) secrets.push(found);
    return found;
  };
  return { token, client, secrets };
}

async function openClient(): Promise<AuthClient> {
  const { Storage } = await storageLibrary();
  return new Storage().authClient;
}

/** Whoever an access token belongs to. It is not renewed; Google's own last an hour. */
export function givenIdentity(token: string): GoogleIdentity {
  return { token: () => Promise.resolve(token), client: null, secrets: [token] };
}

const PASSING = new Set(["ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ECONNRESET", "ETIMEDOUT"]);

/** Why there is no token: for lack of credentials, or because the one who gives them out cannot be reached now. */
function noCredentials(caught: unknown): ProviderError {
  const error = asRecord(caught);
  const status = numberOf(error?.["status"]) ?? 0;
  const mayPass = status === 429 || status >= 500 || PASSING.has(textOf(error?.["code"]) ?? "");
  const why = caught instanceof Error ? `: ${caught.message.replace(/\.$/, "")}.` : ".";
  const message = `No access to Google Cloud could be had from the application default credentials${why} Nothing was sent.`;
  if (mayPass) return new ProviderError("provider_unreachable", message, { retryable: true });
  return new ProviderError("provider_auth", message, {
    httpStatus: 401,
    hint: "Run gcloud auth application-default login, or name a service account's key file in GOOGLE_APPLICATION_CREDENTIALS; then run the same command again.",
  });
}

/**
 * Who is named to the service at an address: the identity, or null where nobody is.
 *
 * Over https it is the identity. Over plain http a token could be read on its way, so none is ever
 * sent there: an emulator is called in nobody's name, and the default credentials are not even looked
 * up. The one exception is a token that was given by hand, to an address of this machine.
 *
 * @throws {InputError} `base_url_invalid` for a given token and plain http to another machine; nothing was sent.
 */
export function namedAt(url: string, identity: GoogleIdentity): GoogleIdentity | null {
  const { protocol, hostname } = new URL(url);
  if (protocol === "https:") return identity;
  if (identity.client !== null) return null;
  if (isLoopback(hostname)) return identity;
  throw new InputError(
    "base_url_invalid",
    `The access token would travel to ${hostname} unencrypted, where it can be read on the way. Nothing was sent.`,
    { hint: "Give an https address, or one of this machine, or leave out the token." },
  );
}

/** Whether a host name, as URLs spell them, is this machine. */
export function isLoopback(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  if (isIP(host) === 4) return host.startsWith("127.");
  return host === "::1" || host === "localhost" || host.endsWith(".localhost");
}

/** Calls in the name of an identity, or of nobody. */
export function bearerAccess(identity: GoogleIdentity | null): GoogleAccess {
  if (identity === null) return { headers: () => Promise.resolve({}), secrets: [] };
  return {
    headers: async () => ({ authorization: `Bearer ${await identity.token()}` }),
    secrets: identity.secrets,
  };
}
