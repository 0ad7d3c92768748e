import { describe, expect, it } from "vitest";
import { chatLines, run, stage, textOf } from "./drive.ts";

describe("faults of downloads", () => {
  async function finished() {
    const { client, emulator } = await stage();
    const { output_file_id: output } = await run(client, chatLines(50));
    const whole = await textOf(client, output);
    return { client, emulator, whole, output };
  }

  it("cuts the first downloads in the middle of a line", async () => {
    const { client, emulator, whole, output } = await finished();
    emulator.setFaults({ cutDownload: { count: 2 } });
    await expect(textOf(client, output)).rejects.toThrow();
    await expect(textOf(client, output)).rejects.toThrow();
    expect(await textOf(client, output)).toBe(whole);
  });

  it("sends part of the file before the connection is cut", async () => {
    const { emulator, whole, output } = await finished();
    emulator.setFaults({ cutDownload: 1 });
    const headers = { authorization: "Bearer k" };
    const response = await fetch(`${emulator.url}/files/${output ?? ""}/content`, { headers });
    expect(Number(response.headers.get("content-length"))).toBe(Buffer.byteLength(whole));
    let received = "";
    await expect(async () => {
      const decoder = new TextDecoder();
      for await (const piece of response.body ?? [])
        received += decoder.decode(piece as Uint8Array);
    }).rejects.toThrow();
    expect(received.length).toBeGreaterThan(0);
    expect(whole.startsWith(received)).toBe(true);
    expect(received.endsWith("\n")).toBe(false);
  });

  it("ends early without any sign of it", async () => {
    const { client, emulator, whole, output } = await finished();
    emulator.setFaults({ cutDownload: { how: "shortLength" } });
    const short = await textOf(client, output);
    expect(whole.startsWith(short)).toBe(true);
    expect(short.length).toBeLessThan(whole.length);
    expect(short.endsWith("\n")).toBe(false);
  });

  it("announces more than it sends", async () => {
    const { client, emulator, output } = await finished();
    emulator.setFaults({ wrongContentLength: 1 });
    await expect(textOf(client, output)).rejects.toThrow();
  });

  it("sends slowly and whole", async () => {
    const { client, emulator, whole, output } = await finished();
    emulator.setFaults({ slowDownload: { ms: 2 } });
    expect(await textOf(client, output)).toBe(whole);
  });
});
