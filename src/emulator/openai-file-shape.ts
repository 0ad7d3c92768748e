/** Files as the hosts of OpenAI's protocol show them. */
import type { StoredFile } from "./file-store.ts";
import type { Call } from "./http.ts";
import type { JsonObject } from "./json.ts";
import { timeOnWire } from "./openai-batch.ts";
import type { HostWorld } from "./openai-world.ts";

/** Whether the host has looked at an upload yet: before that it cannot be used. */
export function fileStatus(world: HostWorld, file: StoredFile): "pending" | "processed" {
  const isUpload = file.purpose === "batch";
  const isFresh = world.nowMs() < file.createdAtMs + world.host.filePendingMs;
  return isUpload && isFresh ? "pending" : "processed";
}

/** The file object of the host, in the style of the path it was asked for under. */
export function fileOnWire(world: HostWorld, file: StoredFile, { url }: Call): JsonObject {
  const { envelope, style: styleOf } = world.host;
  const common = {
    id: file.id,
    object: "file",
    bytes: file.bytes,
    filename: file.filename,
    purpose: file.purpose,
  };
  const createdAtS = Math.floor(file.createdAtMs / 1000);
  if (envelope === "together")
    return { ...common, created_at: createdAtS, FileType: "jsonl", Processed: true };
  const expiresAtS = file.expiresAtMs === null ? null : Math.floor(file.expiresAtMs / 1000);
  if (envelope === "mistral") {
    const isUpload = file.purpose === "batch";
    return {
      ...common,
      purpose: "batch",
      created_at: createdAtS,
      expires_at: expiresAtS,
      sample_type: isUpload ? "batch_request" : "batch_result",
      source: isUpload ? "upload" : "mistral",
      num_lines: null,
      mimetype: "application/jsonl",
      signature: null,
    };
  }
  const style = styleOf(url.pathname);
  return {
    ...common,
    created_at: timeOnWire(file.createdAtMs, style),
    expires_at: file.expiresAtMs === null ? null : timeOnWire(file.expiresAtMs, style),
    status: fileStatus(world, file),
    status_details: null,
  };
}
