import { describe, expect, it } from "vitest";
import { assertStorageLibrary, storageLibrary } from "../../src/provider/storage-library.ts";

describe("Google's storage library", () => {
  it("is loaded where it is installed", async () => {
    expect(await storageLibrary()).toHaveProperty("Storage");
  });

  it("is asked for by the command that installs it where it is not", () => {
    const resolve = (name: string): never => {
      throw new Error(`Cannot find module ${name}`);
    };
    const check = (): void => {
      assertStorageLibrary(resolve);
    };
    expect(check).toThrow(
      expect.objectContaining({
        code: "package_missing",
        hint: "npm install @google-cloud/storage",
      }) as Error,
    );
  });
});
