import { readFileSync } from "node:fs";
import { join } from "node:path";
import pl from "nodejs-polars";
import { describe, expect, it } from "vitest";
import { cli, folder } from "./support.ts";

/** An environment whose processes write the addresses of all modules they load into a file as they end. */
function noting(file: string): Readonly<Record<string, string>> {
  const code = `
    import { registerHooks } from "node:module";
    import { writeFileSync } from "node:fs";
    const urls = [];
    registerHooks({ load: (url, context, next) => { urls.push(url); return next(url, context); } });
    process.on("exit", () => writeFileSync(${JSON.stringify(file)}, urls.join("\\n")));`;
  const hook = `data:text/javascript,${encodeURIComponent(code)}`;
  return { NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import=${hook}`.trim() };
}

describe("a plan", () => {
  it("loads no SDK, no emulator and, for columns of text, nothing of Arrow or polars", async () => {
    const cwd = folder({});
    const frame = pl.DataFrame({ id: [1, 2], review: ["good", "bad"] });
    frame.writeParquet(join(cwd, "in.parquet"));
    const words = ["plan", "in.parquet", "-p", "{{ review }}", "-m", "openai/gpt-5-mini"];
    const loaded = join(cwd, "loaded.txt");
    const ended = await cli(cwd, words, { ...noting(loaded), OPENAI_API_KEY: "none" });
    expect(ended).toMatchObject({ code: 0 });
    const urls = readFileSync(loaded, "utf8").split("\n");
    expect(urls.some((url) => /frame\/parquet\.[tj]s$/.test(url))).toBe(true);
    const unneeded = /node_modules\/(openai|@anthropic-ai|apache-arrow|nodejs-polars)\/|emulator\//;
    expect(urls.filter((url) => unneeded.test(url))).toEqual([]);
  });
});
