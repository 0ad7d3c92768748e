/** reread: the replies of a collected chunk are read as they are read now, and what they say is kept beside them. */

import { answerFileName, replyFileName } from "../core/chunk.ts";
import { readAnswer, type AnswerReading } from "../output/answer.ts";
import { sheetWriter, type SheetOrigin } from "../output/answer-sheet.ts";
import type { BatchProvider } from "../provider/provider.ts";
import type { ChunkFiles } from "../store/store.ts";

/** What rereading needs besides the chunk. */
export interface RereadInput {
  readonly files: ChunkFiles;
  readonly provider: Pick<BatchProvider, "parse">;
  readonly reading: AnswerReading;
}

/**
 * Makes the answer file of a chunk anew from its replies. Costs nothing; repeatable; only for the process
 * that holds the run.
 *
 * @throws {StoreError} `chunk_file_missing`, `chunk_file_short`, `disk_full`; the replies stay as they are.
 */
export async function reread(
  chunk: number,
  origin: SheetOrigin,
  { files, provider, reading }: RereadInput,
): Promise<void> {
  const { ordinals, offsets, lengths } = origin.index;
  const sheet = sheetWriter(ordinals.length);
  const replies = await files.open(replyFileName(chunk));
  const answers = await files.create(answerFileName(chunk));
  try {
    for (const place of ordinals.keys()) {
      const result = provider.parse(replies.text(offsets[place] ?? 0, lengths[place] ?? 0));
      if (result.status === "failed") sheet.note(place, null, null);
      else {
        const answer = readAnswer(reading, result);
        sheet.note(place, result, answer instanceof Promise ? await answer : answer);
      }
      const piece = sheet.take();
      if (piece !== null) await answers.write(piece);
    }
    await answers.write(sheet.finish(origin, Uint32Array.from(ordinals.keys())));
    await answers.commit();
  } catch (error) {
    await answers.abort();
    throw error;
  } finally {
    await replies.close();
  }
}
