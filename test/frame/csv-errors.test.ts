import { describe, expect, it } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { beforeSending, readFailure, systemCode } from "../../src/frame/csv-errors.ts";

function systemError(code: string): Error {
  return Object.assign(new Error(`${code}: no`), { code });
}

describe("readFailure", () => {
  it.each([
    ["ENOENT", "file_missing"],
    ["ENOTDIR", "file_missing"],
    ["EACCES", "file_unreadable"],
    ["EPERM", "file_unreadable"],
    ["EISDIR", "file_unreadable"],
  ])("%s becomes %s", (code, expected) => {
    const failure = readFailure(systemError(code), "in.csv");
    expect(failure).toBeInstanceOf(InputError);
    expect(failure).toMatchObject({ code: expected });
    expect(String(failure)).toContain("in.csv");
  });

  it("gives anything else back as it is", () => {
    const error = systemError("EIO");
    expect(readFailure(error, "in.csv")).toBe(error);
    expect(readFailure("odd", "in.csv")).toBe("odd");
  });
});

describe("systemCode", () => {
  it("is null for what is no system error", () => {
    expect(systemCode(systemError("EIO"))).toBe("EIO");
    expect(systemCode(new Error("plain"))).toBeNull();
    expect(systemCode({ code: "EIO" })).toBeNull();
  });
});

describe("beforeSending", () => {
  it("adds the assurance and keeps code and hint", () => {
    const failure = beforeSending(new InputError("no_rows", "None.", { hint: "Look." }));
    expect(failure).toMatchObject({
      code: "no_rows",
      message: "None. Nothing was sent.",
      hint: "Look.",
    });
    const other = new Error("defect");
    expect(beforeSending(other)).toBe(other);
  });
});
