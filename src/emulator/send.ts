/** Replies on their way out, whole or damaged. */
import { createReadStream } from "node:fs";
import type { ServerResponse } from "node:http";
import { open } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Reply } from "./http.ts";
import type { World } from "./world.ts";

/** Sends `reply` and resolves when it is out or the client has gone. */
export async function send(world: World, response: ServerResponse, reply: Reply): Promise<void> {
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  response.statusCode = reply.status;
  if (reply.file !== undefined) {
    await sendFile(world, response, reply.file);
    return;
  }
  const body = reply.json === undefined ? "" : JSON.stringify(reply.json);
  if (body !== "") response.setHeader("content-type", "application/json");
  response.setHeader("content-length", Buffer.byteLength(body));
  response.end(body);
}

/** Cuts the connection without a word. */
export function cut(response: ServerResponse): void {
  response.socket?.destroy();
}

interface SentFile {
  readonly path: string;
  readonly bytes: number;
}

async function sendFile(world: World, response: ServerResponse, file: SentFile): Promise<void> {
  const target = { key: ["download", world.next("download")] };
  const cutting = world.faults.strike("cutDownload", target);
  const sentBytes = cutting === null ? file.bytes : await middleOfLine(file);
  const short = cutting?.how === "shortLength";
  const wrong = world.faults.strike("wrongContentLength", target) !== null;
  const slow = world.faults.strike("slowDownload", target);
  if (!response.hasHeader("content-type"))
    response.setHeader("content-type", "application/octet-stream");
  response.setHeader("content-length", (short ? sentBytes : file.bytes) + (wrong ? 16 : 0));
  const broken = wrong || (cutting !== null && !short);
  const pauseMs = slow === null ? 0 : (slow.ms ?? 20);
  try {
    await writePieces(world, response, { path: file.path, sentBytes, pauseMs });
  } catch {
    // The client went away, or the file was deleted under way: what it has is all it will get.
    cut(response);
    return;
  }
  if (broken) cut(response);
  else response.end();
}

async function writePieces(
  world: World,
  response: ServerResponse,
  work: { readonly path: string; readonly sentBytes: number; readonly pauseMs: number },
): Promise<void> {
  if (work.sentBytes === 0) {
    response.flushHeaders();
    return;
  }
  const pieceBytes = work.pauseMs > 0 ? Math.ceil(work.sentBytes / 10) : 256 * 1024;
  const source = createReadStream(work.path, {
    end: work.sentBytes - 1,
    highWaterMark: pieceBytes,
  });
  const paced = async function* (pieces: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const piece of pieces) {
      yield piece;
      if (work.pauseMs > 0) await world.settings.clock.sleep(work.pauseMs, world.closing);
    }
  };
  await pipeline(source, paced, response, { end: false });
  // Destroying a socket throws away what it still holds; wait until the bytes have left.
  await new Promise<void>((resolve) =>
    response.write("", () => {
      resolve();
    }),
  );
}

/** A place about half way through the file that is not the end of a line. */
async function middleOfLine(file: SentFile): Promise<number> {
  const handle = await open(file.path);
  try {
    let middle = Math.floor(file.bytes / 2);
    const byte = Buffer.alloc(1);
    while (middle > 0) {
      await handle.read(byte, 0, 1, middle - 1);
      if (byte[0] !== 0x0a && byte[0] !== 0x0d) break;
      middle -= 1;
    }
    return middle;
  } finally {
    await handle.close();
  }
}
