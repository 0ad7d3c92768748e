import { describe, expect, it } from "vitest";
import { META_NAMES, metaColumn, metaColumns } from "../../src/core/meta.ts";

describe("metaColumns", () => {
  it("keeps the order given, each column once, and tokens as five", () => {
    expect(metaColumns(["raw", "tokens", "output_tokens", "raw", "cost"])).toEqual([
      "raw",
      ...[
        "input_tokens",
        "cached_tokens",
        "cache_write_tokens",
        "output_tokens",
        "reasoning_tokens",
      ],
      "cost",
    ]);
    expect(metaColumns([])).toEqual([]);
  });

  it("knows every name, and gives each a type of its own", () => {
    const types = metaColumns(META_NAMES).map((name) => metaColumn("c", name));
    expect(types).toHaveLength(16);
    expect(types.filter(({ type }) => type === "text").map(({ name }) => name)).toEqual(
      ["model", "finish_reason", "custom_id", "batch_id", "raw", "prompt_hash", "run"].map(
        (name) => `c_${name}`,
      ),
    );
    expect(metaColumn("c", "cost").type).toBe("float");
    expect(metaColumn("c", "attempts").type).toBe("integer");
  });

  it("refuses a name that is none, with the one that may be meant", () => {
    expect(() => metaColumns(["modle"])).toThrow(
      expect.objectContaining({
        code: "option_invalid",
        hint: expect.stringContaining("model") as string,
      }),
    );
    expect(() => metaColumns(["toString"])).toThrow(/no meta column "toString"/);
  });
});
