import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";
import { MUTATIONS } from "../../scripts/mutations.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

it("has every line that is to be broken once, and a test that stands guard over it", () => {
  const gone = MUTATIONS.flatMap(({ promise, file, edits, guard }) => {
    const text = readFileSync(join(root, file), "utf8");
    return [
      ...edits
        .filter(([line]) => text.split(line).length !== 2)
        .map(([line]) => `${promise}: ${line}`),
      ...(existsSync(join(root, guard.file)) ? [] : [`${promise}: ${guard.file}`]),
    ];
  });
  expect(MUTATIONS.length).toBeGreaterThan(50);
  expect(gone).toEqual([]);
});
