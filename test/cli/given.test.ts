import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { labelsOf, paramsOf, textOf } from "../../src/cli/given.ts";
import { folder } from "./support.ts";

describe("textOf", () => {
  it("is the text itself", async () => {
    expect(await textOf("--prompt", "Say hi to {{ name }}@home")).toBe("Say hi to {{ name }}@home");
  });

  it("is a file's text without the break an editor adds", async () => {
    const path = join(folder({ "p.txt": "line one\nline two\n\n" }), "p.txt");
    expect(await textOf("--prompt", `@${path}`)).toBe("line one\nline two\n");
  });

  it("refuses what cannot be read as text", async () => {
    const cwd = folder({ "latin.txt": Buffer.from([0x67, 0xfc, 0x74]) });
    const code = "prompt_file_unreadable";
    await expect(textOf("--prompt", `@${cwd}/none.txt`)).rejects.toMatchObject({ code });
    await expect(textOf("--system", `@${cwd}/latin.txt`)).rejects.toThrow("it is not UTF-8");
  });
});

describe("labelsOf", () => {
  it("splits a list", async () => {
    expect(await labelsOf("good, bad ,so-so")).toEqual({ labels: ["good", "bad", "so-so"] });
  });

  it("reads descriptions from a file, in any order of columns", async () => {
    const cwd = folder({ "l.csv": 'description,label\n"praise, thanks",good\n,bad\n' });
    expect(await labelsOf(`@${cwd}/l.csv`)).toEqual({
      labels: { good: "praise, thanks", bad: "" },
    });
  });

  it("keeps the order of labels that are numbers", async () => {
    const cwd = folder({ "l.csv": "label,note\n3,x\n1,y\n2,z\n" });
    expect(await labelsOf(`@${cwd}/l.csv`)).toEqual({ labels: ["3", "1", "2"] });
  });

  it("refuses a file without labels, and a label given twice", async () => {
    const cwd = folder({
      "a.csv": "name,description\nx,y\n",
      "b.csv": "label,description\nx,y\nx,z\n",
    });
    await expect(labelsOf(`@${cwd}/a.csv`)).rejects.toMatchObject({ code: "labels_invalid" });
    await expect(labelsOf(`@${cwd}/b.csv`)).rejects.toThrow('"x" twice');
  });
});

describe("paramsOf", () => {
  it("takes JSON as JSON and the rest as text", () => {
    const pairs = ["temperature=0", 'stop=["a"]', "user=me=you", "note=plain words", "empty="];
    expect(paramsOf(pairs)).toEqual({
      temperature: 0,
      stop: ["a"],
      user: "me=you",
      note: "plain words",
      empty: "",
    });
  });
});
