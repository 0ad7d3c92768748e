import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { DISPLAY, type Bundle } from "../../src/display/bundle.ts";
import { bars, histogram, show, type Displayed } from "../../src/notebook/notebook.ts";

async function bundleOf(value: Displayed): Promise<Bundle> {
  return await value[DISPLAY]();
}

describe("show", () => {
  it("gives the first rows of a dataframe as exact text, and nothing VS Code cannot show", async () => {
    const frame = pl.DataFrame({
      text: ["a < b", "b", "c"],
      height: pl.Series(new BigInt64Array([9007199254740993n, 2n, 3n])),
    });
    const bundle = await bundleOf(show(frame, { rows: 2 }));
    expect(Object.keys(bundle)).toEqual(["text/html", "text/plain"]);
    expect(bundle["text/html"]).toContain("3 rows × 2 columns, the first 2");
    expect(bundle["text/html"]).toContain("a &lt; b");
    expect(bundle["text/html"]).toContain("9007199254740993");
    expect(bundle["text/plain"]).toMatch(/text +height\na < b +9007199254740993\nb +2$/);
  });

  it("says that bytes are bytes", async () => {
    const sql = pl.SQLContext({ t: pl.DataFrame({ v: ["x"] }) });
    const frame = sql.execute("select cast(v as blob) as v from t", { eager: true });
    expect((await bundleOf(show(frame)))["text/plain"]).toContain("(bytes)");
  });

  it("shows a frame without rows or columns", async () => {
    expect((await bundleOf(show(pl.DataFrame({}))))["text/plain"]).toContain("0 rows × 0 columns");
  });

  it("says what it takes", async () => {
    await expect(bundleOf(show([1] as unknown as pl.DataFrame))).rejects.toThrow(
      "This is not a nodejs-polars DataFrame.",
    );
  });
});

describe("bars", () => {
  it("have a width by the number and keep their order; the longest fills the room", async () => {
    const { "text/html": page, "text/plain": plain } = await bundleOf(
      bars({ b: 10, a: 40, none: 0 }, { title: "Labels <1>" }),
    );
    expect(page).toContain("Labels &lt;1&gt;");
    const widths = [...page.matchAll(/class="bf-bar" y="3" width="(\d+)"/g)].map(
      ([, width]) => width,
    );
    expect(widths).toEqual(["40", "160", "0"]);
    expect(plain).toMatch(
      / {2}b +10 +20\.0 % +█{6}\n {2}a +40 +80\.0 % +█{24}\n {2}none +0 +0\.0 %$/,
    );
  });

  it("are none for a receipt without labels, and 40 at most", async () => {
    expect((await bundleOf(bars(null)))["text/plain"]).toBe("\n");
    const many = Object.fromEntries(Array.from({ length: 50 }, (_, at) => [`l${at}`, at]));
    expect((await bundleOf(bars(many)))["text/plain"]).toMatch(/\n {2}and 10 more$/);
  });
});

describe("a histogram", () => {
  it("counts every number in its bar and says the middle and the ends", async () => {
    const values = [0, 0, 0.001, 0.012, 0.024, null, Number.NaN, 3n].slice(0, 7);
    const { "text/html": page, "text/plain": plain } = await bundleOf(
      histogram(values as (number | null)[], { unit: "usd" }),
    );
    const tall = [...page.matchAll(/class="bf-bar"[^>]* height="(\d+)"/g)].map(([, px]) =>
      Number(px),
    );
    expect(tall).toHaveLength(24);
    expect(tall.filter((px) => px > 0)).toEqual([84, 42, 42, 42]);
    expect(plain).toContain("least $0.00 · median $0.0010 · greatest $0.02");
    expect(plain).toContain("2 without a number left out.");
  });

  it("stands where all numbers are the same, or there are none", async () => {
    for (const values of [[5, 5, 5], []]) {
      const { "text/html": page } = await bundleOf(histogram(values, { unit: "ms" }));
      expect(page).not.toContain("NaN");
      expect(page).toContain(values.length === 0 ? "least 0 ms" : "least 5 ms · median 5 ms");
    }
  });
});
