import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { lineForms, type EncodeLine } from "../../src/core/line-form.ts";
import { digestTexts, type PackedPlace } from "../../src/core/packed.ts";
import { packedLines } from "../../src/core/packed-lines.ts";
import { newRequest, packedBlock, promptPacker } from "../../src/core/packing.ts";
import { requestIdentity, type Message, type Request } from "../../src/core/request.ts";

const spec: Omit<Request, "messages"> = {
  model: "m",
  params: {},
  form: { kind: "text" },
  settings: {},
  promptCache: null,
  cells: [],
};

const encode: EncodeLine = ({ messages, model }, customId) =>
  JSON.stringify({ custom_id: customId, body: { model, turns: messages } });

const ID_START = "rabcdefg-1-";
const lines = packedLines(ID_START);

/** The line that a packed request comes to; null where it is too long to be written from its bytes. */
function lineOf(place: PackedPlace, number: number): string | null {
  const most = lines.mostBytes(place);
  if (most === null) return null;
  const target = Buffer.alloc(most + 1);
  const end = lines.write(place, number, { target, at: 1 });
  expect(end).toBeLessThanOrEqual(target.length);
  return target.toString("utf8", 1, end);
}

const role = fc.constantFrom("system" as const, "user" as const, "assistant" as const);
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }),
  fc.string({ unit: fc.constantFrom("\u0000", "\n", "\u001f", '"', "\\", "é", "🙂", "\ud83d") }),
  fc.string({ minLength: 900, maxLength: 3000 }),
  fc.string({ unit: "binary", minLength: 3500, maxLength: 6000 }),
);
const message: fc.Arbitrary<Message> = fc.record({ role, content: text });
const beginnings = fc.array(fc.array(message, { maxLength: 2 }), { minLength: 1, maxLength: 3 });

describe("packed prompts", () => {
  it("have the identities and lines that each has by itself, whatever the texts are", () => {
    const rows = fc.array(fc.record({ before: fc.nat(), last: message }), { maxLength: 40 });
    fc.assert(
      fc.property(beginnings, fc.array(rows, { maxLength: 3 }), (before, blocks) => {
        const identity = requestIdentity("p h", spec);
        const packer = promptPacker(
          identity,
          lineForms((request, id) => encode(request, id), spec),
        );
        for (const asked of blocks) {
          const prompts = asked.map((row) => ({
            messages: [...(before[row.before % before.length] ?? []), row.last],
            cells: [],
          }));
          expect(prompts.map((prompt) => packer.add(prompt))).toEqual([...prompts.keys()]);
          const packed = packer.take();
          // As another thread would have it.
          const texts = structuredClone(packed.texts);
          const block = packedBlock(packed, digestTexts(texts));
          for (const [at, { messages }] of prompts.entries()) {
            const request = newRequest(block, at, at);
            expect(request.id).toBe(requestIdentity("p h", spec).of(messages));
            expect(request.prompt.messages).toEqual(messages);
            if (request.packed === undefined) continue;
            const number = (at * 2_654_435_761) % 1e10;
            const line = lineOf(request.packed, number);
            expect(line).toBe(encode({ ...spec, messages }, ID_START + String(number)));
            const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
            expect(block.characters[at]).toBe(characters);
          }
        }
      }),
    );
  });

  it("are all packed that are text, and none with pictures before them", () => {
    const packer = promptPacker(
      requestIdentity("p h", spec),
      lineForms((request, id) => encode(request, id), spec),
    );
    const last = { role: "user", content: "a" } as const;
    const picture: Message = { role: "user", content: [{ type: "image", url: "https://a.test" }] };
    packer.add({ messages: [last], cells: [] });
    packer.add({ messages: [{ ...last, content: "\ud800" }], cells: [] });
    packer.add({ messages: [picture, last], cells: [] });
    packer.add({ messages: [picture], cells: [] });
    const { known } = packer.take();
    expect([...known.apart.keys()]).toEqual([1, 2, 3]);
  });
});
