/** Where Vertex is and whose it is: what the environment says, checked before anything is sent. */

import { InputError } from "../core/errors.ts";
import { baseUrlFrom } from "./base-url.ts";
import { storageEmulatorHost } from "./cloud-storage.ts";
import { isLoopback } from "./google-identity.ts";

/** The place of a run in Google Cloud. */
export interface VertexPlace {
  readonly project: string;
  readonly location: string;
  readonly bucket: string;
  readonly baseUrl: string;
  /** Null for Google's own. */
  readonly storageUrl: string | null;
}

/**
 * Project, location, bucket and addresses: from GOOGLE_CLOUD_PROJECT, GOOGLE_CLOUD_LOCATION
 * (us-central1 when unset), GCS_BUCKET, and for the address the one given, else VERTEX_BASE_URL, else
 * GOOGLE_VERTEX_BASE_URL, else the location's own.
 *
 * Cloud Storage is where STORAGE_EMULATOR_HOST says, else at the same address where that is not
 * Google's, else Google's own. At an address of this machine, where an emulator answers, project and
 * bucket may be left out: both are then `local`.
 *
 * @throws {InputError} `environment_invalid` or `base_url_invalid`; nothing was sent.
 */
export function vertexPlace(givenUrl: string | undefined): VertexPlace {
  const location = fromEnvironment(LOCATION);
  const variable = isSet("VERTEX_BASE_URL") ? "VERTEX_BASE_URL" : "GOOGLE_VERTEX_BASE_URL";
  const example = "http://127.0.0.1:8080/vertex";
  const own = ownUrl(location);
  const baseUrl = baseUrlFrom({ given: givenUrl, variable, own, example });
  const { hostname } = new URL(baseUrl);
  const fallback = isLoopback(hostname) ? { fallback: "local" } : {};
  const isGoogles = /(^|\.)googleapis\.com$/.test(hostname);
  return {
    project: fromEnvironment({ ...PROJECT, ...fallback }),
    location,
    bucket: fromEnvironment({ ...BUCKET, ...fallback }),
    baseUrl,
    storageUrl: storageEmulatorHost() ?? (isGoogles ? null : baseUrl),
  };
}

/** The address of the job API in a location. */
export function ownUrl(location: string): string {
  const prefix = location === "global" ? "" : `${location}-`;
  return `https://${prefix}aiplatform.googleapis.com`;
}

interface Setting {
  readonly variable: string;
  readonly what: string;
  readonly pattern: RegExp;
  readonly example: string;
  /** Taken where the variable is not set. */
  readonly fallback?: string;
}

const PROJECT: Setting = {
  variable: "GOOGLE_CLOUD_PROJECT",
  what: "the id of a project",
  pattern: /^[a-z0-9][a-z0-9.:-]*$/,
  example: "my-project",
};

// It becomes part of a host name, to which credentials are sent.
const LOCATION: Setting = {
  variable: "GOOGLE_CLOUD_LOCATION",
  what: "a location",
  pattern: /^[a-z][a-z0-9-]*$/,
  example: "us-central1",
  fallback: "us-central1",
};

const BUCKET: Setting = {
  variable: "GCS_BUCKET",
  what: "the name of a bucket",
  pattern: /^[a-z0-9][a-z0-9._-]*$/,
  example: "my-bucket",
};

function isSet(variable: string): boolean {
  return (process.env[variable]?.trim() ?? "") !== "";
}

function fromEnvironment({ variable, what, pattern, example, fallback }: Setting): string {
  const value = isSet(variable) ? (process.env[variable]?.trim() ?? "") : (fallback ?? "");
  const name = value.replace(/^gs:\/\//, "").replace(/\/$/, "");
  if (pattern.test(name)) return name;
  const problem = value === "" ? "which is not set" : `but it holds ${JSON.stringify(value)}`;
  throw new InputError(
    "environment_invalid",
    `vertex needs ${what} in the environment variable ${variable}, ${problem}. Nothing was sent.`,
    { hint: `export ${variable}=${example} and run the same command again.` },
  );
}
