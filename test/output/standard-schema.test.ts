import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as valibot from "valibot";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import {
  convertedSchema,
  isStandardSchema,
  standardValidator,
  type StandardSchema,
} from "../../src/output/standard-schema.ts";

const OBJECTS: readonly (readonly [string, StandardSchema])[] = [
  ["zod", z.object({ n: z.int() })],
  [
    "valibot",
    toStandardJsonSchema(valibot.object({ n: valibot.pipe(valibot.number(), valibot.integer()) })),
  ],
  ["arktype", type({ n: "number.integer" })],
];

describe("a schema of a library", () => {
  it.each(OBJECTS)("%s says what it is, and checks", async (_vendor, schema) => {
    expect(isStandardSchema(schema)).toBe(true);
    expect(convertedSchema(schema).schema).toMatchObject({
      type: "object",
      properties: { n: { type: "integer" } },
      required: ["n"],
    });
    const check = standardValidator(schema);
    expect(await check({ n: 1 })).toEqual({ value: { n: 1 } });
    expect(await check({ n: "1" })).toMatchObject({
      issues: [expect.stringMatching(/^n: /)],
    });
  });

  it.each<[string, StandardSchema]>([
    [
      "zod",
      z.object({
        a: z.string().refine((text) => text !== "x"),
        b: z.string().transform((text) => text.length),
      }),
    ],
    [
      "valibot",
      toStandardJsonSchema(
        valibot.object({
          a: valibot.pipe(
            valibot.string(),
            valibot.check((text) => text !== "x"),
          ),
          b: valibot.pipe(
            valibot.string(),
            valibot.transform((text) => text.length),
          ),
        }),
      ),
    ],
    [
      "arktype",
      type({
        a: type("string").narrow((text) => text !== "x"),
        b: type("string").pipe((text) => text.length),
      }),
    ],
  ])(
    "%s with code of its own is asked for as it is given, and its result left open",
    (_vendor, schema) => {
      const { schema: given, result } = convertedSchema(schema);
      expect(given).toMatchObject({
        properties: { a: { type: "string" }, b: { type: "string" } },
      });
      expect(result).toMatchObject({ properties: { a: { type: "string" }, b: {} } });
      expect(result["properties"]).toHaveProperty("b", {});
    },
  );

  it("of valibot keeps the type of what only tidies a text", () => {
    const schema = toStandardJsonSchema(
      valibot.object({ a: valibot.pipe(valibot.string(), valibot.trim()) }),
    );
    expect(convertedSchema(schema).result).toMatchObject({ properties: { a: { type: "string" } } });
  });

  it("without a converter is refused, with the line that adds one", () => {
    expect(() => convertedSchema(valibot.object({ a: valibot.string() }))).toThrow(
      expect.objectContaining({
        code: "schema_converter_missing",
        hint: expect.stringContaining("toStandardJsonSchema(schema)") as string,
      }),
    );
  });

  it("that holds itself is refused with the path", () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    expect(() => convertedSchema(tree)).toThrow("#/properties/children/items");
  });

  it("whose converter cannot be used is refused in its words", () => {
    const throws = (): never => {
      throw new Error("no word for it");
    };
    const schema: StandardSchema = {
      "~standard": {
        version: 1,
        vendor: "own",
        validate: (value) => ({ value }),
        jsonSchema: { input: throws, output: throws },
      },
    };
    expect(() => convertedSchema(schema)).toThrow(
      expect.objectContaining({
        code: "schema_unsupported",
        message: expect.stringContaining("no word for it") as string,
      }),
    );
  });
});

describe("standardValidator", () => {
  it("takes what is thrown, at once or later, for a value that is refused", async () => {
    const schema = (validate: StandardSchema["~standard"]["validate"]): StandardSchema => ({
      "~standard": { version: 1, vendor: "own", validate },
    });
    const fail = (): never => {
      throw new Error("broken");
    };
    expect(await standardValidator(schema(fail))(1)).toEqual({
      issues: ["the schema threw: broken"],
    });
    const later = schema(async () => await Promise.reject(new Error("late")));
    expect(await standardValidator(later)(1)).toEqual({ issues: ["the schema threw: late"] });
  });

  it("names the place of each issue", async () => {
    const path = ["a", { key: 2 }, "b"];
    const own = standardValidator({
      "~standard": {
        version: 1,
        vendor: "own",
        validate: () => ({ issues: [{ message: "wrong", path }, { message: "also" }] }),
      },
    });
    expect(await own(1)).toEqual({ issues: ["a[2].b: wrong", "also"] });
  });
});

describe("isStandardSchema", () => {
  it.each([undefined, null, "a: int", {}, { "~standard": null }, { "~standard": {} }, () => 1])(
    "is false for %j",
    (value) => {
      expect(isStandardSchema(value)).toBe(false);
    },
  );
});
