/** Where settings come from: flags, the environment, the project's file, the user's, in this order. */

import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { cli, folder, KEY, REVIEWS } from "./support.ts";

const FREE = "embedded/use-lite";
const TRIAGE = { prompt: "{{ review }}", labels: ["good", "bad"], column: "mood" };

function project(config: object, more: Readonly<Record<string, string>> = {}): string {
  return folder({
    "in.csv": REVIEWS,
    "batchframe.config.json": JSON.stringify(config),
    ...more,
  });
}

describe("a recipe", () => {
  it("is all a run needs, and says what it took", async () => {
    const cwd = project({ model: FREE, recipes: { triage: TRIAGE } });
    const ended = await cli(cwd, ["run", "in.csv", "--recipe", "triage", "-o", "out.csv"]);
    expect(ended).toMatchObject({ code: 0, stdout: "" });
    expect(ended.stderr).toContain(
      "settings from recipe triage: prompt, labels, column · batchframe.config.json: model",
    );
    expect(readFileSync(join(cwd, "out.csv"), "utf8")).toContain("zip,mood,mood_status");
  });

  it("gives way to flags, and gives a verb what it must have", async () => {
    const cwd = project({
      recipes: { mood: { text: "review", labels: { good: "praise", bad: "no" } } },
    });
    const words = ["classify", "in.csv", "--recipe", "mood", "-c", "other", "-o", "out.csv"];
    expect(await cli(cwd, words)).toMatchObject({ code: 0 });
    expect(readFileSync(join(cwd, "out.csv"), "utf8")).toContain("zip,other,other_status");
  });

  it("that there is not is refused with near misses", async () => {
    const cwd = project({ recipes: { triage: TRIAGE } });
    const ended = await cli(cwd, ["run", "in.csv", "--recipe", "triag"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain('no recipe "triag". Nothing was sent.');
    expect(ended.stderr).toContain('Did you mean "triage"?');
  });
});

describe("a configuration", () => {
  it("may be TypeScript", async () => {
    const text = `const labels: string[] = ["good", "bad"];
export default { model: "${FREE}", recipes: { mood: { prompt: "{{ review }}", labels } } };\n`;
    const cwd = folder({ "in.csv": REVIEWS, "batchframe.config.ts": text });
    const ended = await cli(cwd, ["run", "in.csv", "--recipe", "mood", "-o", "out.csv"]);
    expect(ended).toMatchObject({ code: 0 });
  });

  it("counts less than a flag and the environment, and more than the user's own", async () => {
    const cwd = project({ model: "openai/of-the-project", runDir: "runs" });
    const home = folder();
    mkdirSync(join(home, "batchframe"));
    writeFileSync(
      join(home, "batchframe", "batchframe.config.json"),
      JSON.stringify({ model: "openai/of-the-user", column: "mine", runDir: "elsewhere" }),
    );
    const env = { XDG_CONFIG_HOME: home, OPENAI_API_KEY: KEY };
    const words = ["run", "in.csv", "-p", "{{ review }}", "-o", "out.csv"];
    const model = async (more: readonly string[], set: Readonly<Record<string, string>> = {}) =>
      (await cli(cwd, [...words, ...more], { ...env, ...set })).stderr;
    const ofProject = await model([]);
    expect(ofProject).toMatch(/model +openai\/of-the-project/);
    expect(ofProject).toMatch(/column +mine/);
    expect(ofProject).toMatch(/run +in-mine-\w+ · runs/);
    const named = { BATCHFRAME_MODEL: "openai/of-the-environment" };
    expect(await model([], named)).toMatch(/model +openai\/of-the-environment/);
    expect(await model(["-m", "openai/of-the-flag"], named)).toMatch(/model +openai\/of-the-flag/);
  });

  it("sets the flags that may be repeated, which a flag then replaces", async () => {
    const cwd = project({ model: FREE, stop: ["END"], option: { user: "me" } });
    const words = ["build", "in.csv", "-p", "{{ review }}", "-m", "openai/x"];
    const env = { OPENAI_API_KEY: KEY };
    const first = JSON.parse((await cli(cwd, words, env)).stdout.split("\n")[0] ?? "") as object;
    expect(first).toMatchObject({ body: { stop: ["END"], user: "me" } });
    const other = await cli(cwd, [...words, "--stop", "FIN"], env);
    expect(JSON.parse(other.stdout.split("\n")[0] ?? "")).toMatchObject({
      body: { stop: ["FIN"] },
    });
  });

  it.each([
    ["a setting that is none", { modle: "x" }, 'Did you mean "model"'],
    ["a setting of a recipe that is none", { recipes: { a: { promt: "x" } } }, '"prompt"'],
    ["a value that its flag does not take", { limit: "many" }, "whole number above 0"],
    ["a value that is none of the choices", { onNull: "shrug" }, "skip, empty, fail"],
    ["a truth for a flag with a value", { model: true }, "after --model"],
    ["a value for a flag without one", { refresh: "yes" }, "true or false"],
    ["recipes that are none", { recipes: [] }, "recipes"],
  ])("refuses %s", async (_, config, told) => {
    const ended = await cli(project(config), ["run", "in.csv", "-p", "{{ review }}"]);
    expect(ended).toMatchObject({ code: 2, stdout: "" });
    expect(ended.stderr).toContain("Nothing was sent.");
    expect(ended.stderr).toContain(told);
  });

  it("that cannot be loaded, or stands there twice, is refused", async () => {
    const broken = folder({ "batchframe.config.json": "{" });
    expect((await cli(broken, ["ls"])).stderr).toContain("cannot be loaded");
    const twice = project({}, { "batchframe.config.ts": "export default {};" });
    expect(await cli(twice, ["ls"])).toMatchObject({ code: 2 });
    const named = await cli(folder(), ["ls", "--config", "none.json"]);
    expect(named).toMatchObject({ code: 2 });
    expect(named.stderr).toContain("There is no configuration file none.json. Nothing was sent.");
  });
});

describe("variables from a file", () => {
  it("are told of by their names alone, and do not replace what is set", async () => {
    const cwd = folder({
      ".env": `OPENAI_API_KEY=${KEY}\nBATCHFRAME_MODEL=openai/from-the-file\n`,
    });
    const ended = await cli(cwd, ["doctor"], { BATCHFRAME_MODEL: FREE });
    expect(ended.stderr).toContain("from .env: OPENAI_API_KEY\n");
    expect(ended.stderr).toMatch(/OPENAI_API_KEY +set/);
    expect(ended.stderr + ended.stdout).not.toContain(KEY);
  });

  it("come from the file that is named, which must be there", async () => {
    const cwd = folder({ "keys.env": `OPENAI_API_KEY=${KEY}\n` });
    const ended = await cli(cwd, ["doctor", "--env-file", "keys.env"]);
    expect(ended.stderr).toContain("from keys.env: OPENAI_API_KEY");
    // Node reads the same flag before us and ends by itself where it finds no file.
    const none = await cli(cwd, ["doctor", "--env-file", "none.env"]);
    expect(none.code).not.toBe(0);
    expect(none.stderr).toContain("none.env");
  });
});
