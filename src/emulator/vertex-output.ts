/** The results of a job: shards in a folder of Cloud Storage, each row in one of them. */
import { placeOfUri, type GcsObjects, type ObjectPlace } from "./gcs-objects.ts";
import { fingerprint } from "./fingerprint.ts";
import { draw } from "./random.ts";
import { startResultFile, type ResultFile } from "./result-file.ts";
import type { VertexJob } from "./vertex-job.ts";
import type { World } from "./world.ts";

/** Where the reply lines of one job go. */
export interface VertexOutput {
  /** Takes the lines of one row. */
  readonly write: (lines: readonly string[], customId: string) => Promise<void> | undefined;
  /** Puts what was written where it can be read and gives the folder it is in. */
  readonly publish: () => Promise<string>;
  /** Throws away what was not published. */
  readonly discard: () => Promise<void>;
}

const MOST_SHARDS = 3;

/** The output of a job, nothing of it written yet. How many shards there are follows from the seed. */
export async function startVertexOutput(
  world: World,
  objects: GcsObjects,
  job: VertexJob,
): Promise<VertexOutput> {
  const { seed } = world.settings;
  const count = 1 + Math.floor(draw(seed, "shards", job.sequence) * MOST_SHARDS);
  let shards: readonly ResultFile[] = await Promise.all(
    Array.from({ length: count }, (_, at) => startResultFile(world, ["vertex", job.sequence, at])),
  );
  return {
    write(lines, customId) {
      const shard = shards[(fingerprint(customId) + seed) % count];
      let full: Promise<void> | undefined;
      for (const line of lines) full = shard?.write(line) ?? full;
      return full;
    },
    async publish() {
      const directory = directoryOf(world, job);
      const written = shards;
      shards = [];
      for (const [at, { writer }] of written.entries()) {
        await writer.finish();
        const about = { bytes: writer.bytes(), contentType: "application/octet-stream" };
        const place = placeIn(directory, shardName(at, count));
        if (place !== null) await objects.put(place, { path: writer.path, ...about });
      }
      return directory;
    },
    async discard() {
      for (const { writer } of shards) await writer.discard();
      shards = [];
    },
  };
}

/** The folder of a job's results: beside its prefix, named after the moment. */
export function directoryOf(world: World, { request }: VertexJob): string {
  const moment = new Date(world.nowMs()).toISOString().replace("Z", "000Z");
  return `${request.outputPrefix.replace(/\/+$/, "")}/prediction-model-${moment}`;
}

function shardName(at: number, count: number): string {
  if (count === 1) return "predictions.jsonl";
  const padded = (number: number): string => String(number).padStart(5, "0");
  return `predictions-${padded(at)}-of-${padded(count)}.jsonl`;
}

function placeIn(directory: string, name: string): ObjectPlace | null {
  return placeOfUri(`${directory}/${name}`);
}
