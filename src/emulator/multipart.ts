/** multipart/form-data, read as it arrives and never held whole. */

/** What a form is made of, in the order it arrives. */
export type MultipartEvent =
  | { readonly kind: "part"; readonly name: string; readonly filename: string | null }
  | { readonly kind: "data"; readonly bytes: Buffer };

const HEADER_END = Buffer.from("\r\n\r\n");
const MAX_HEADER_BYTES = 16 * 1024;

/** The boundary named in a content-type header, or null when it names none. */
export function boundaryOf(contentType: string | undefined): string | null {
  if (!/^multipart\/form-data\b/i.test(contentType ?? "")) return null;
  const found = /;\s*boundary=(?:"([^"]+)"|([^;\s]+))/i.exec(contentType ?? "");
  return found?.[1] ?? found?.[2] ?? null;
}

/**
 * The parts of a form: a `part` event, then its bytes in as many `data` events as they arrive in.
 *
 * Throws an `Error` when the form ends before its closing boundary or a part has no end to its
 * header. Format: RFC 7578.
 */
export async function* multipartEvents(
  source: AsyncIterable<Buffer>,
  boundary: string,
): AsyncGenerator<MultipartEvent, undefined, undefined> {
  const delimiter = Buffer.from(`\r\n--${boundary}`);
  let state: State = "preamble";
  // The first boundary has no line break before it; with one put there, all look alike.
  let buffer: Buffer = Buffer.from("\r\n");
  for await (const piece of source) {
    if (state === "end") continue;
    buffer = Buffer.concat([buffer, piece]);
    for (;;) {
      const step = advance(state, buffer, delimiter);
      if (step === null) break;
      if (step.event !== null) yield step.event;
      buffer = buffer.subarray(step.used);
      state = step.state;
      if (state === "end") break;
    }
  }
  if (state !== "end") throw new Error("The form ends before its closing boundary.");
  return undefined;
}

type State = "preamble" | "boundary" | "header" | "body" | "end";

interface Step {
  readonly state: State;
  readonly used: number;
  readonly event: MultipartEvent | null;
}

function advance(state: State, buffer: Buffer, delimiter: Buffer): Step | null {
  if (state === "preamble" || state === "body") return advanceBody(state, buffer, delimiter);
  if (state === "boundary") {
    if (buffer.length < 2) return null;
    const closing = buffer.toString("latin1", 0, 2) === "--";
    return { state: closing ? "end" : "header", used: 2, event: null };
  }
  const end = buffer.indexOf(HEADER_END);
  if (end < 0) {
    if (buffer.length > MAX_HEADER_BYTES) throw new Error("A part's header does not end.");
    return null;
  }
  const header = buffer.toString("utf8", 0, end);
  const event = {
    kind: "part",
    name: field(header, "name") ?? "",
    filename: field(header, "filename"),
  } as const;
  return { state: "body", used: end + HEADER_END.length, event };
}

function advanceBody(state: "preamble" | "body", buffer: Buffer, delimiter: Buffer): Step | null {
  const end = buffer.indexOf(delimiter);
  // Without a boundary in sight, its first bytes may be the last ones here: keep that many back.
  const safe = end >= 0 ? end : Math.max(0, buffer.length - delimiter.length + 1);
  const event = state === "body" && safe > 0 ? dataEvent(buffer.subarray(0, safe)) : null;
  if (end >= 0) return { state: "boundary", used: end + delimiter.length, event };
  return safe === 0 ? null : { state, used: safe, event };
}

function dataEvent(bytes: Buffer): MultipartEvent {
  return { kind: "data", bytes };
}

function field(header: string, name: string): string | null {
  const found = new RegExp(`^content-disposition:.*?[;\\s]${name}="([^"]*)"`, "im").exec(header);
  return found?.[1] ?? null;
}
