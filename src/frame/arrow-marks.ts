/** What must be known of the batches that stand in an Arrow file, to go on with the next one. */

import type { RecordBatch, Vector } from "apache-arrow";
import type { Json } from "../core/hash.ts";

interface BatchPlace {
  readonly metaDataLength: number;
  readonly bodyLength: number;
  readonly offset: number;
}

/** What apache-arrow's writers know of what they have written; the names are theirs. */
export interface WriterState {
  _position: number;
  _recordBatchBlocks: BatchPlace[];
  _dictionaryBlocks: BatchPlace[];
  _seenDictionaries: Map<number, Vector>;
  _dictionaryDeltaOffsets: Map<number, number>;
}

type SavedPlace = readonly [metaDataLength: number, bodyLength: number, offset: number];

interface SavedState {
  readonly position: number;
  readonly batches: readonly SavedPlace[];
  readonly dictionaries: readonly SavedPlace[];
}

/** What a writer has written, for {@link restoreWriter}. */
export function savedWriter(writer: WriterState): Json {
  const place = ({ metaDataLength, bodyLength, offset }: BatchPlace): SavedPlace => [
    ...([metaDataLength, bodyLength, offset] as const),
  ];
  const state: SavedState = {
    position: writer._position,
    batches: writer._recordBatchBlocks.map(place),
    dictionaries: writer._dictionaryBlocks.map(place),
  };
  return state as unknown as Json;
}

/** Lets a writer go on after what another one has written. */
export function restoreWriter(writer: WriterState, saved: Json): void {
  const { position, batches, dictionaries } = saved as unknown as SavedState;
  const place = ([metaDataLength, bodyLength, offset]: SavedPlace): BatchPlace => ({
    ...{ metaDataLength, bodyLength, offset },
  });
  writer._position = position;
  writer._recordBatchBlocks = batches.map(place);
  writer._dictionaryBlocks = dictionaries.map(place);
}

/** Lets a writer know the dictionaries of a batch that was written before, so that they are not written again. */
export function noteWritten(writer: WriterState, batch: RecordBatch): void {
  for (const [id, dictionary] of batch.dictionaries) {
    writer._seenDictionaries.set(id, dictionary);
    writer._dictionaryDeltaOffsets.set(id, dictionary.data.length);
  }
}
