/**
 * A run of 1,000,000,000 rows over 100 workers, on a virtual clock: `node bench/billion.ts`.
 *
 * A model, not a measurement: parts are planned, chunks are admitted under the account's limits, batches run
 * for as long as they may, results are read and parts joined, each at the speeds stated here. Prints when
 * the run ends and what held it up.
 */

interface Provider {
  readonly name: string;
  readonly requestsPerBatch: number;
  /** Requests under way at once; null for no such limit. */
  readonly requestsAtOnce: number | null;
  /** Batches under way at once; null for no such limit. */
  readonly batchesAtOnce: number | null;
  /** Input tokens under way at once; null for no such limit. */
  readonly enqueuedTokens: number | null;
  /** How long a batch takes, in seconds: between these, evenly. */
  readonly batchS: readonly [number, number];
}

const ROWS = 1_000_000_000;
const WORKERS = 100;
const ROWS_PER_PART = 500_000;
const TOKENS_PER_ROW = 200;
const BYTES_PER_ROW = 1200;

// Assumed of one core, below what the other benches measure here; the overhead is that of `many-machines.ts`, rounded up.
const PLAN_ROWS_PER_S = 40_000;
const READ_ROWS_PER_S = 20_000;
const JOIN_ROWS_PER_S = 40_000;
const LINE_BYTES_PER_S = 25_000_000;
const OVERHEAD_S_PER_CHUNK = 0.1;
const STATEMENTS_PER_CHUNK = 50;

// Limits as the providers' pages give them; OpenAI's are those of its highest tier for small models.
const PROVIDERS: readonly Provider[] = [
  {
    ...{ name: "OpenAI: 15 billion tokens enqueued", requestsPerBatch: 50_000 },
    ...{ requestsAtOnce: null, batchesAtOnce: null, enqueuedTokens: 15e9, batchS: [1800, 14_400] },
  },
  {
    ...{ name: "OpenAI: 1 billion tokens enqueued", requestsPerBatch: 50_000 },
    ...{ requestsAtOnce: null, batchesAtOnce: null, enqueuedTokens: 1e9, batchS: [1800, 14_400] },
  },
  {
    ...{ name: "Together: 30 billion tokens enqueued", requestsPerBatch: 50_000 },
    ...{ requestsAtOnce: null, batchesAtOnce: null, enqueuedTokens: 30e9, batchS: [1800, 14_400] },
  },
  {
    ...{ name: "Anthropic: 500,000 requests in the queue", requestsPerBatch: 100_000 },
    ...{ requestsAtOnce: 500_000, batchesAtOnce: null, enqueuedTokens: null, batchS: [900, 3600] },
  },
  {
    ...{ name: "Gemini: 100 batches at once", requestsPerBatch: 50_000 },
    ...{ requestsAtOnce: null, batchesAtOnce: 100, enqueuedTokens: null, batchS: [1800, 14_400] },
  },
  {
    ...{ name: "no limit but the workers' own", requestsPerBatch: 50_000 },
    ...{ requestsAtOnce: null, batchesAtOnce: null, enqueuedTokens: null, batchS: [1800, 14_400] },
  },
];

/** Events in the order of their times. */
class Clock {
  readonly #heap: { readonly at: number; readonly act: () => void }[] = [];
  nowS = 0;

  after(waitS: number, act: () => void): void {
    const heap = this.#heap;
    heap.push({ at: this.nowS + waitS, act });
    for (let child = heap.length - 1; child > 0;) {
      const parent = (child - 1) >> 1;
      const [a, b] = [heap[parent], heap[child]];
      if (a === undefined || b === undefined || a.at <= b.at) break;
      [heap[parent], heap[child]] = [b, a];
      child = parent;
    }
  }

  run(): void {
    for (let next = this.#pop(); next !== null; next = this.#pop()) {
      this.nowS = next.at;
      next.act();
    }
  }

  #pop(): { readonly at: number; readonly act: () => void } | null {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (top === undefined || last === undefined) return null;
    if (heap.length === 0) return top;
    heap[0] = last;
    for (let parent = 0; ;) {
      let least = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2])
        if ((heap[child]?.at ?? Infinity) < (heap[least]?.at ?? Infinity)) least = child;
      if (least === parent) return top;
      const [a, b] = [heap[parent], heap[least]];
      if (a === undefined || b === undefined) return top;
      [heap[parent], heap[least]] = [b, a];
      parent = least;
    }
  }
}

function simulate(provider: Provider): void {
  const clock = new Clock();
  const chunksPerPart = Math.ceil(ROWS_PER_PART / provider.requestsPerBatch);
  const rowsPerChunk = ROWS_PER_PART / chunksPerPart;
  const tokens = rowsPerChunk * TOKENS_PER_ROW;
  const parts = ROWS / ROWS_PER_PART;
  let free = WORKERS;
  let busyS = 0;
  let batches = 0;
  let underway = 0;
  let mostUnderway = 0;
  let joined = 0;
  let seed = 1;
  const random = (): number => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  // What is nearer to the end goes first, as the longest overdue do: parts are finished rather than begun.
  const queues: {
    readonly join: number[];
    readonly read: number[];
    readonly send: number[];
    plan: number;
  } = { join: [], read: [], send: [], plan: parts };
  const left = new Map<number, number>();
  const hasRoom = (): boolean =>
    underway < (provider.batchesAtOnce ?? Infinity) &&
    (underway + 1) * rowsPerChunk <= (provider.requestsAtOnce ?? Infinity) &&
    (underway + 1) * tokens <= (provider.enqueuedTokens ?? Infinity);
  const work = (durationS: number, done: () => void): void => {
    free -= 1;
    busyS += durationS;
    clock.after(durationS, () => {
      free += 1;
      done();
      assign();
    });
  };
  const assign = (): void => {
    while (free > 0) {
      const join = queues.join.pop();
      if (join !== undefined) {
        work(
          ROWS_PER_PART / JOIN_ROWS_PER_S + (ROWS_PER_PART * BYTES_PER_ROW) / LINE_BYTES_PER_S,
          () => {
            joined += 1;
          },
        );
        continue;
      }
      const read = queues.read.pop();
      if (read !== undefined) {
        work(
          rowsPerChunk / READ_ROWS_PER_S +
            (rowsPerChunk * BYTES_PER_ROW) / LINE_BYTES_PER_S +
            OVERHEAD_S_PER_CHUNK,
          () => {
            const rest = (left.get(read) ?? 0) - 1;
            left.set(read, rest);
            if (rest === 0) queues.join.push(read);
          },
        );
        continue;
      }
      const part = hasRoom() ? queues.send.pop() : undefined;
      if (part !== undefined) {
        underway += 1;
        batches += 1;
        mostUnderway = Math.max(mostUnderway, underway);
        work((rowsPerChunk * BYTES_PER_ROW) / LINE_BYTES_PER_S + OVERHEAD_S_PER_CHUNK, () => {
          const [low, high] = provider.batchS;
          clock.after(low + random() * (high - low), () => {
            underway -= 1;
            queues.read.push(part);
            assign();
          });
        });
        continue;
      }
      // Planning far ahead of what can be sent would only fill the disks.
      if (queues.plan === 0 || queues.send.length > 20 * WORKERS) return;
      const planned = queues.plan--;
      left.set(planned, chunksPerPart);
      work(ROWS_PER_PART / PLAN_ROWS_PER_S, () => {
        for (let chunk = 0; chunk < chunksPerPart; chunk += 1) queues.send.push(planned);
      });
    }
  };
  assign();
  clock.run();
  if (joined !== parts || batches !== parts * chunksPerPart)
    throw new Error("the model has lost work");
  const hours = clock.nowS / 3600;
  const share = busyS / (clock.nowS * WORKERS);
  const statements = (batches * STATEMENTS_PER_CHUNK) / clock.nowS;
  console.log(
    `| ${provider.name} | ${hours.toFixed(1)} h | ${batches.toLocaleString("en")} | ${mostUnderway.toLocaleString("en")} | ${(share * 100).toFixed(0)} % | ${statements.toFixed(0)}/s |`,
  );
}

console.log("| provider | ends after | batches | most under way | workers busy | statements |");
console.log("| --- | --- | --- | --- | --- | --- |");
for (const provider of PROVIDERS) simulate(provider);
