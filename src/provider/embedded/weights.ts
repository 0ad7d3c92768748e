/** The model file's format: which tensors it holds, where, and how they were quantised. */

/** A matrix of int8 weights with one float32 scale an output column. */
export interface MatrixEntry {
  readonly name: string;
  readonly kind: "matrix";
  /** How many inputs each output sums over. */
  readonly depth: number;
  readonly columns: number;
  /** Byte offset of the packed int8 weights, laid out `[columns/2][depth/8][2][8]`. */
  readonly offset: number;
  /** Byte offset of the float32 scales. */
  readonly scalesOffset: number;
}

/** A table of int8 rows with one float32 scale a row. */
export interface TableEntry {
  readonly name: string;
  readonly kind: "table";
  readonly rows: number;
  readonly columns: number;
  readonly offset: number;
  readonly scalesOffset: number;
}

/** A float32 vector, kept as it was. */
export interface VectorEntry {
  readonly name: string;
  readonly kind: "vector";
  readonly length: number;
  readonly offset: number;
}

/** One tensor of the model file. */
export type TensorEntry = MatrixEntry | TableEntry | VectorEntry;

/** The manifest beside the weights file. */
export interface Manifest {
  readonly format: "use-lite-int8-1";
  readonly bytes: number;
  readonly sha256: string;
  readonly tensors: readonly TensorEntry[];
}

/** A weights file with its manifest, ready to be asked for tensors by name. */
export interface Weights {
  readonly manifest: Manifest;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** Thrown inside the worker; the main thread turns it into a `ProviderError`. */
export class ModelFileError extends Error {
  override readonly name = "ModelFileError";
}

/** The entry of the given name and kind. Throws `ModelFileError` when the manifest has none. */
export function findTensor<Kind extends TensorEntry["kind"]>(
  manifest: Manifest,
  kind: Kind,
  name: string,
): Extract<TensorEntry, { kind: Kind }> {
  const entry = manifest.tensors.find(
    (tensor): tensor is Extract<TensorEntry, { kind: Kind }> =>
      tensor.name === name && tensor.kind === kind,
  );
  if (entry === undefined) throw new ModelFileError(`the model file has no ${kind} "${name}"`);
  return entry;
}

/** The floats at a byte offset, as a view on the file's bytes. */
export function floatsAt(weights: Weights, offset: number, length: number): Float32Array {
  return new Float32Array(weights.bytes.buffer, weights.bytes.byteOffset + offset, length);
}
