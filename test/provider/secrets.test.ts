import fc from "../property.ts";
import { describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { keyFromEnvironment, redact } from "../../src/provider/secrets.ts";

describe("redact", () => {
  it("removes every occurrence of every secret", () => {
    expect(redact("a sk-secret b sk-secretsk-secret other-key", ["sk-secret", "other-key"])).toBe(
      "a [redacted] b [redacted][redacted] [redacted]",
    );
  });

  it("takes a secret literally", () => {
    expect(redact("x a.c$&^+ y aXc$&^+", ["a.c$&^+"])).toBe("x [redacted] y aXc$&^+");
  });

  it("leaves a text alone that holds none, and does not black out for an empty or tiny secret", () => {
    expect(redact("an open text", ["", "a", "open"])).toBe("an open text");
  });

  it("leaves no secret behind wherever it stands", () => {
    const secret = fc.string({ unit: fc.constantFrom(...Array.from("kKeyY-09$.")), minLength: 6 });
    fc.assert(
      fc.property(fc.string(), secret, fc.string(), (before, key, after) => {
        fc.pre(!"[redacted]".includes(key));
        expect(redact(`${before}${key}${after}`, [key])).not.toContain(key);
      }),
    );
  });
});

describe("keyFromEnvironment", () => {
  it("gives the variable's value without outer white space", () => {
    vi.stubEnv("SOME_API_KEY", " sk-abc\n");
    expect(keyFromEnvironment("SOME_API_KEY", "some")).toBe("sk-abc");
  });

  it.each([undefined, "", " \n"])("names the variable that is missing when it is %j", (value) => {
    vi.stubEnv("SOME_API_KEY", value);
    try {
      keyFromEnvironment("SOME_API_KEY", "some");
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(InputError);
      expect(error).toMatchObject({ code: "missing_key" });
      expect(String(error)).toContain("SOME_API_KEY");
      expect(String(error)).toContain("Nothing was sent");
    }
  });
});
