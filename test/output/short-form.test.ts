import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { shortFormSchema } from "../../src/output/short-form.ts";

/** The schema of one field's type. */
function typeOf(text: string): unknown {
  return (shortFormSchema(`a: ${text}`)["properties"] as { readonly a: unknown }).a;
}

describe("shortFormSchema", () => {
  it("reads fields in their order, closed, with the optional ones not required", () => {
    expect(
      shortFormSchema("topic: billing|bug| other ,\n score: float, quote?: str, tags: str[]"),
    ).toEqual({
      type: "object",
      properties: {
        topic: { type: "string", enum: ["billing", "bug", "other"] },
        score: { type: "number" },
        quote: { type: "string" },
        tags: { type: "array", items: { type: "string" } },
      },
      required: ["topic", "score", "tags"],
      additionalProperties: false,
    });
  });

  it.each<[string, object]>([
    ["str", { type: "string" }],
    ["int", { type: "integer" }],
    ["float", { type: "number" }],
    ["bool", { type: "boolean" }],
    ["date", { type: "string", format: "date" }],
    ["(a | b)[]", { type: "array", items: { type: "string", enum: ["a", "b"] } }],
    ["int[][]", { type: "array", items: { type: "array", items: { type: "integer" } } }],
    ["late delivery|lost", { type: "string", enum: ["late delivery", "lost"] }],
    ['"str"|"a, b"|"say \\"no\\""', { type: "string", enum: ["str", "a, b", 'say "no"'] }],
    ['"only"', { type: "string", enum: ["only"] }],
  ])("reads the type %s", (text, schema) => {
    expect(typeOf(text)).toEqual(schema);
  });

  it("takes names in quotes", () => {
    expect(shortFormSchema('"a: b"?: int')).toMatchObject({
      properties: { "a: b": { type: "integer" } },
      required: [],
    });
  });

  it.each<[string, number, string]>([
    ["", 1, "a field's name is missing"],
    ["a", 2, '":" is missing'],
    ["a: ", 4, "a type is missing"],
    ["a: strng", 4, '"strng" is no type'],
    ["a: string", 4, "did you mean str"],
    ["a: boolean", 4, "did you mean bool"],
    ["a: int, ", 9, "a field's name is missing"],
    ["a: int b: str", 4, '"int b" is no type'],
    ["a: int[] b: str", 10, "a comma and the next field"],
    ["a: int, a: str", 9, '"a" is there twice'],
    ["a: x|x", 4, '"x" is there twice'],
    ["a: str|x", 4, "str is a type"],
    ["a: x|int", 6, "int is a type"],
    ["a: x|", 6, "a value is missing"],
    ["a: (x|y", 8, '")" is missing'],
    ["a: str[", 8, '"]" is missing'],
    ['a: "x', 4, "never closed"],
    ['a: "\\x"', 4, "no JSON text"],
    ["a?? : int", 3, '":" is missing'],
  ])("says of %j where it stops, counted from 1", (text, position, problem) => {
    expect(() => shortFormSchema(text)).toThrow(
      expect.objectContaining({
        code: "schema_text_invalid",
        message: expect.stringMatching(
          new RegExp(
            `at character ${String(position)}\\b.*${problem.replace(/[[\]()?"]/g, "\\$&")}`,
          ),
        ) as string,
      }),
    );
  });

  it("never throws anything but InputError, and takes back any names and values in quotes", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        try {
          shortFormSchema(text);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
    );
    const word = fc.string({ minLength: 1 }).filter((text) => text.trim() !== "");
    fc.assert(
      fc.property(word, fc.uniqueArray(word, { minLength: 1, maxLength: 3 }), (name, values) => {
        const text = `${JSON.stringify(name)}: ${values.map((it) => JSON.stringify(it)).join("|")}`;
        const { properties } = shortFormSchema(text);
        expect(properties).toEqual(Object.fromEntries([[name, { type: "string", enum: values }]]));
      }),
    );
  });
});
