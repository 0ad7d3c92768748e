/** Integer matrix multiplication on 128-bit SIMD, as a WebAssembly module assembled here. */

/** Rows of activations the kernel takes at once; row counts are padded to a multiple of it. */
export const ROW_BLOCK = 4;
/** Output columns the kernel takes at once; weight matrices have a multiple of it. */
export const COLUMN_BLOCK = 2;
/** Depth the kernel takes at once; every matrix has a multiple of it. */
export const DEPTH_BLOCK = 8;

/** The arguments of one multiplication; addresses are bytes into the kernel's memory. */
export interface Multiplication {
  /** int16 activations laid out `[rows/4][depth/8][4][8]`. */
  readonly activationsAt: number;
  /** int8 weights laid out `[columns/2][depth/8][2][8]`. */
  readonly weightsAt: number;
  /** int32 sums, `[rows][columns]`, written. */
  readonly sumsAt: number;
  readonly rows: number;
  readonly columns: number;
  readonly depth: number;
}

/** The kernel and the memory it works in. */
export interface Kernel {
  readonly memory: ArrayBuffer;
  multiply(job: Multiplication): void;
}

// The nine instructions and two types used, from the WebAssembly core specification 2.0, section 5.4.
const I32 = 0x7f;
const V128 = 0x7b;
const VOID = 0x40;
const SIMD = 0xfd;
const END = 0x0b;
const I32_ADD = 0x6a;
const I32_MUL = 0x6c;
const I32_LT_U = 0x49;
const I32_STORE = 0x36;

const get = (local: number): number[] => [0x20, local];
const set = (local: number): number[] => [0x21, local];
const i32 = (value: number): number[] => [0x41, ...signedLeb(value)];
const loop = (body: number[]): number[] => [0x03, VOID, ...body, END];
const againIf = (condition: number[]): number[] => [...condition, 0x0d, 0];
const addTo = (local: number, value: number[]): number[] => [
  ...get(local),
  ...value,
  I32_ADD,
  ...set(local),
];
const load128 = (offset: number): number[] => [SIMD, 0x00, 4, ...unsignedLeb(offset)];
const load8x8AsInt16 = (offset: number): number[] => [SIMD, 0x01, 3, ...unsignedLeb(offset)];
const zero128 = (): number[] => [SIMD, 0x0c, ...new Array<number>(16).fill(0)];
const extractLane = (lane: number): number[] => [SIMD, 0x1b, lane];
const addLanes = (): number[] => [SIMD, 0xae, 0x01];
const dotInt16 = (): number[] => [SIMD, 0xba, 0x01];

function unsignedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
  } while (rest !== 0);
  return bytes;
}

function signedLeb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

// Locals: the six parameters, then scratch.
const [ACTIVATIONS, WEIGHTS, SUMS, ROWS, COLUMNS, DEPTH] = [0, 1, 2, 3, 4, 5];
const [COLUMN, ROW, A_AT, W_AT, W_STOP, OUT_AT] = [6, 7, 8, 9, 10, 11];
const SUM0 = 12;
const SUM_COUNT = ROW_BLOCK * COLUMN_BLOCK;
const W0 = SUM0 + SUM_COUNT;
const A = W0 + COLUMN_BLOCK;
const VECTOR_LOCALS = SUM_COUNT + COLUMN_BLOCK + 1;
const range = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

/** The innermost step: 8 of depth for 4 rows and 2 columns, 64 multiplications in 16 instructions. */
function depthStep(): number[] {
  const loadWeights = range(COLUMN_BLOCK).flatMap((c) => [
    ...get(W_AT),
    ...load8x8AsInt16(c * DEPTH_BLOCK),
    ...set(W0 + c),
  ]);
  const rows = range(ROW_BLOCK).flatMap((r) => [
    ...get(A_AT),
    ...load128(r * DEPTH_BLOCK * 2),
    ...set(A),
    ...range(COLUMN_BLOCK).flatMap((c) => {
      const sum = SUM0 + r * COLUMN_BLOCK + c;
      return [...get(sum), ...get(A), ...get(W0 + c), ...dotInt16(), ...addLanes(), ...set(sum)];
    }),
  ]);
  return [
    ...loadWeights,
    ...rows,
    ...addTo(A_AT, i32(ROW_BLOCK * DEPTH_BLOCK * 2)),
    ...addTo(W_AT, i32(COLUMN_BLOCK * DEPTH_BLOCK)),
    ...againIf([...get(W_AT), ...get(W_STOP), I32_LT_U]),
  ];
}

/** Folds the four lanes of every sum and stores them as int32. */
function storeSums(): number[] {
  return range(ROW_BLOCK).flatMap((r) => [
    ...range(COLUMN_BLOCK).flatMap((c) => {
      const sum = get(SUM0 + r * COLUMN_BLOCK + c);
      const lanes = range(4).flatMap((lane) => [
        ...sum,
        ...extractLane(lane),
        ...(lane === 0 ? [] : [I32_ADD]),
      ]);
      return [...get(OUT_AT), ...lanes, I32_STORE, 2, ...unsignedLeb(c * 4)];
    }),
    ...addTo(OUT_AT, [...get(COLUMNS), ...i32(4), I32_MUL]),
  ]);
}

/** The body of `multiply`: columns outside, so that each weight is read from memory once. */
function multiplyBody(): number[] {
  const rowLoop = loop([
    ...range(SUM_COUNT).flatMap((at) => [...zero128(), ...set(SUM0 + at)]),
    ...get(WEIGHTS),
    ...set(W_AT),
    ...loop(depthStep()),
    ...storeSums(),
    ...addTo(ROW, i32(ROW_BLOCK)),
    ...againIf([...get(ROW), ...get(ROWS), I32_LT_U]),
  ]);
  const columnLoop = loop([
    ...[...i32(0), ...set(ROW), ...get(ACTIVATIONS), ...set(A_AT)],
    ...[...get(WEIGHTS), ...get(DEPTH), ...i32(COLUMN_BLOCK), I32_MUL, I32_ADD, ...set(W_STOP)],
    ...[...get(SUMS), ...get(COLUMN), ...i32(4), I32_MUL, I32_ADD, ...set(OUT_AT)],
    ...rowLoop,
    ...[...get(W_STOP), ...set(WEIGHTS)],
    ...addTo(COLUMN, i32(COLUMN_BLOCK)),
    ...againIf([...get(COLUMN), ...get(COLUMNS), I32_LT_U]),
  ]);
  const locals = [2, 6, I32, VECTOR_LOCALS, V128];
  return [...locals, ...columnLoop, END];
}

const sized = (bytes: number[]): number[] => [...unsignedLeb(bytes.length), ...bytes];
const section = (id: number, items: number[][]): number[] => [
  id,
  ...sized([...unsignedLeb(items.length), ...items.flat()]),
];
const named = (name: string): number[] => sized([...Buffer.from(name, "ascii")]);

/** The module's bytes: one imported memory, one exported function of six int32 arguments. */
export function kernelModule(): Uint8Array<ArrayBuffer> {
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [[0x60, 6, I32, I32, I32, I32, I32, I32, 0]]),
    ...section(2, [[...named("env"), ...named("memory"), 0x02, 0x00, 1]]),
    ...section(3, [[0]]),
    ...section(7, [[...named("multiply"), 0x00, 0]]),
    ...section(10, [sized(multiplyBody())]),
  ]);
}

/** The part of the WebAssembly interface used here; Node's and Deno's types do not both describe it. */
interface WebAssemblyHost {
  readonly Memory: new (size: { initial: number }) => { readonly buffer: ArrayBuffer };
  readonly Module: new (bytes: Uint8Array<ArrayBuffer>) => object;
  readonly Instance: new (
    module: object,
    imports: { env: { memory: object } },
  ) => { readonly exports: Readonly<Record<string, unknown>> };
}

type Multiply = (...args: [number, number, number, number, number, number]) => void;

const PAGE_BYTES = 65_536;

/**
 * A kernel with at least `memoryBytes` of zeroed memory.
 *
 * Sums are exact 32-bit integers, so every machine gives the same bits. A multiplication costs
 * about a tenth of the same loop in JavaScript, whose numbers have no SIMD.
 */
export function startKernel(memoryBytes: number): Kernel {
  const host = (globalThis as unknown as { readonly WebAssembly: WebAssemblyHost }).WebAssembly;
  const memory = new host.Memory({ initial: Math.ceil(memoryBytes / PAGE_BYTES) });
  const instance = new host.Instance(new host.Module(kernelModule()), { env: { memory } });
  const multiply = instance.exports["multiply"] as Multiply;
  return {
    memory: memory.buffer,
    multiply: (job) => {
      multiply(job.activationsAt, job.weightsAt, job.sumsAt, job.rows, job.columns, job.depth);
    },
  };
}
