/** The watch over a connection on which nothing comes any more. */

/** A watch; it runs from the start, and from each sign of life. */
export interface Silence {
  /** Fires once nothing was heard for too long. */
  readonly signal: AbortSignal;
  /** Something came or went: the watch begins anew. */
  readonly heard: () => void;
  /** Nothing is awaited for now, until something is heard again. */
  readonly pause: () => void;
}

/** A watch that lets so many milliseconds pass; it keeps no process alive. */
export function watchSilence(mostMs: number): Silence {
  const controller = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const pause = (): void => {
    clearTimeout(timer);
  };
  const heard = (): void => {
    pause();
    timer = setTimeout(() => {
      controller.abort(new Error(`Nothing came for ${String(mostMs / 1000)} s.`));
    }, mostMs).unref();
  };
  heard();
  return { signal: controller.signal, heard, pause };
}
