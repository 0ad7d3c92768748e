/** The emulator's idea of a token. */

/** An estimate of the tokens in `text`: a quarter of its UTF-8 bytes, rounded up; 0 for no text. */
export function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / 4);
}

/** The beginning of `text` that has about `maxTokens` tokens; never half of a surrogate pair. */
export function firstTokens(text: string, maxTokens: number): string {
  const cut = text.slice(0, Math.max(0, Math.floor(maxTokens * 4)));
  return cut.isWellFormed() ? cut : cut.slice(0, -1);
}
