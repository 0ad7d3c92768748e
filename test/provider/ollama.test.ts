import { describe, expect, it, onTestFinished, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { addressOfHost, ollamaProvider } from "../../src/provider/ollama.ts";
import { isLoopback, usualConcurrency } from "../../src/provider/live-servers.ts";
import { request, spec } from "./support.ts";
import { batchFor, liveWith, resultsOf, saidBy } from "./live-support.ts";

describe("ollama", () => {
  it("answers without a key, one request at a time unless told otherwise", async () => {
    let [underway, most, wanted] = [0, 0, 1];
    const answer = async (): Promise<{ content: string }> => {
      most = Math.max(most, (underway += 1));
      do await new Promise((resolve) => setTimeout(resolve, 5));
      while (most < wanted);
      underway -= 1;
      return { content: "yes" };
    };
    const { emulator } = await liveWith({ answer });
    const ask = async (batchId: string): Promise<readonly string[]> => {
      const provider = ollamaProvider({ baseUrl: emulator.url });
      onTestFinished(() => provider.close());
      const batch = { ...(await batchFor(provider, ["a", "b", "c", "d"])), batchId };
      return saidBy(await resultsOf(provider, batch));
    };
    expect(await ask("one")).toEqual(["yes", "yes", "yes", "yes"]);
    expect(most).toBe(1);
    vi.stubEnv("OLLAMA_NUM_PARALLEL", "2");
    wanted = 2;
    await ask("two");
    expect(most).toBe(2);
  });

  it("is free and stays here where Ollama runs the model on this machine, and only there", () => {
    const here = { baseUrl: "http://127.0.0.1:11434/v1" };
    expect(ollamaProvider({ ...here, model: "gemma3:4b" })).toMatchObject({
      id: "ollama",
      free: true,
      host: "127.0.0.1:11434",
    });
    expect(ollamaProvider({ ...here, model: "gpt-oss:120b-cloud" }).free).toBe(false);
    expect(ollamaProvider({ baseUrl: "http://gpu-box:11434/v1" })).toMatchObject({
      free: false,
      host: "gpu-box:11434",
    });
  });

  it("refuses pictures by address, documents and what its protocol has no place for", () => {
    const provider = ollamaProvider();
    const withPart = (part: object): Parameters<typeof provider.encode>[0] =>
      request("x", { messages: [{ role: "user", content: [part as never] }] });
    const url = { type: "image", url: "https://example.com/a.png" };
    expect(() => provider.encode(withPart(url), "id")).toThrow(InputError);
    const document = { type: "file", data: "AA==", mediaType: "application/pdf" };
    expect(() => provider.encode(withPart(document), "id")).toThrow(InputError);
    const picture = { type: "image", data: "AA==", mediaType: "image/png" };
    expect(provider.encode(withPart(picture), "id")).toContain("data:image/png;base64,AA==");
    expect(() => {
      provider.check({ ...spec(), settings: { toolChoice: "required" } });
    }).toThrow("toolChoice");
  });
});

describe("the address of ollama", () => {
  it.each([
    ["", "http://127.0.0.1:11434/v1"],
    ["127.0.0.1:9999", "http://127.0.0.1:9999/v1"],
    ["gpu-box", "http://gpu-box:11434/v1"],
    [":9999", "http://127.0.0.1:9999/v1"],
    ["0.0.0.0", "http://127.0.0.1:11434/v1"],
    ["0.0.0.0:8000", "http://127.0.0.1:8000/v1"],
    ["https://ollama.example", "https://ollama.example/v1"],
    ["http://host:1/prefix/", "http://host:1/prefix/v1"],
    ["http://host:1/v1", "http://host:1/v1"],
  ])("that OLLAMA_HOST=%s means is %s", (host, address) => {
    expect(addressOfHost(host)).toBe(address);
  });

  it("is refused when it is none", () => {
    expect(() => addressOfHost("tcp://a:1")).toThrow(InputError);
    expect(() => addressOfHost("a b")).toThrow("OLLAMA_HOST");
  });

  it("is the one given, else OLLAMA_BASE_URL, else OLLAMA_HOST's", () => {
    vi.stubEnv("OLLAMA_HOST", "third:1");
    expect(ollamaProvider().host).toBe("third:1");
    vi.stubEnv("OLLAMA_BASE_URL", "http://second:1/v1");
    expect(ollamaProvider().host).toBe("second:1");
    expect(ollamaProvider({ baseUrl: "http://first:1/v1" }).host).toBe("first:1");
  });
});

describe("model servers", () => {
  it.each([
    ["http://127.0.0.1:11434/v1", 1],
    ["http://localhost:1234/v1", 4],
    ["http://[::1]:8080/v1", 4],
    ["http://127.0.0.1:8000/v1", 8],
    ["https://api.example.com/v1", 8],
    ["http://gpu-box:11434/v1", 8],
  ])("at %s are asked %i at a time", (address, places) => {
    expect(usualConcurrency(address)).toBe(places);
  });

  it.each([
    ["http://localhost/v1", true],
    ["http://a.localhost/v1", true],
    ["http://127.8.8.8/v1", true],
    ["http://[::1]:1/v1", true],
    ["http://127.example.com/v1", false],
    ["http://192.168.0.1/v1", false],
  ])("at %s are on this machine: %s", (address, isHere) => {
    expect(isLoopback(address)).toBe(isHere);
  });
});
