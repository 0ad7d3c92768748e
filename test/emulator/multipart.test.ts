import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { boundaryOf, multipartEvents } from "../../src/emulator/multipart.ts";

interface Part {
  readonly name: string;
  readonly filename: string | null;
  readonly bytes: Buffer;
}

async function parse(whole: Buffer, pieceBytes: number, boundary = "XX"): Promise<Part[]> {
  const source = (async function* (): AsyncGenerator<Buffer> {
    for (let at = 0; at < whole.length; at += pieceBytes) {
      yield await Promise.resolve(whole.subarray(at, at + pieceBytes));
    }
  })();
  const parts: { name: string; filename: string | null; bytes: Buffer }[] = [];
  for await (const event of multipartEvents(source, boundary)) {
    const last = parts.at(-1);
    if (event.kind === "part") {
      parts.push({ name: event.name, filename: event.filename, bytes: Buffer.alloc(0) });
    } else if (last !== undefined) {
      last.bytes = Buffer.concat([last.bytes, event.bytes]);
    }
  }
  return parts;
}

function form(parts: readonly Part[]): Buffer {
  const pieces = parts.flatMap(({ name, filename, bytes }) => {
    const file = filename === null ? "" : `; filename="${filename}"`;
    const header = `--XX\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`;
    return [Buffer.from(header), bytes, Buffer.from("\r\n")];
  });
  return Buffer.concat([...pieces, Buffer.from("--XX--\r\n")]);
}

describe("multipartEvents", () => {
  it("gives the parts back however the bytes are cut", async () => {
    // Boundary-like bytes in the content are the difficult case: none of these is a whole boundary.
    const bytes = fc
      .array(fc.constantFrom("\r\n", "--X", "\r\n--", "-", "é", "\n{}"), { maxLength: 12 })
      .map((pieces) => Buffer.from(pieces.join("")))
      .filter((content) => !content.includes("--XX"));
    const part = fc.record({
      name: fc.constantFrom("purpose", "file", "expires_after[seconds]"),
      filename: fc.constantFrom(null, "a.jsonl", "strange name; x=1.jsonl"),
      bytes,
    });
    await fc.assert(
      fc.asyncProperty(fc.array(part), fc.integer({ min: 1, max: 50 }), async (parts, size) => {
        expect(await parse(form(parts), size)).toEqual(parts);
      }),
    );
  });

  it("throws when the form is cut short", async () => {
    const whole = form([{ name: "file", filename: "a", bytes: Buffer.from("text") }]);
    for (let end = 0; end < whole.length - 4; end += 1) {
      await expect(parse(whole.subarray(0, end), 7)).rejects.toThrow("closing boundary");
    }
  });

  it("throws when a part's header never ends", async () => {
    const whole = Buffer.from(`--XX\r\n${"h".repeat(40_000)}`);
    await expect(parse(whole, 1000)).rejects.toThrow("header does not end");
  });
});

describe("boundaryOf", () => {
  it("finds a boundary, quoted or not, in a form only", () => {
    expect(boundaryOf("multipart/form-data; boundary=abc")).toBe("abc");
    expect(boundaryOf('multipart/form-data; charset=utf-8; boundary="a b"')).toBe("a b");
    expect(boundaryOf("application/json; boundary=abc")).toBeNull();
    expect(boundaryOf(undefined)).toBeNull();
  });
});
