import { describe, expect, it, vi } from "vitest";
import { InputError } from "../../src/core/errors.ts";
import { openModel } from "../../src/provider/models.ts";
import { vertexPlace } from "../../src/provider/vertex-settings.ts";

const LOCAL = "http://127.0.0.1:9/vertex";

function environment(values: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(values)) vi.stubEnv(name, value);
}

function refusal(act: () => unknown): InputError {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error;
  }
  throw new Error("Nothing was refused.");
}

describe("the place of a run in Google Cloud", () => {
  it("is what the environment says, at Google's own addresses", () => {
    environment({ GOOGLE_CLOUD_PROJECT: "my-project", GCS_BUCKET: "gs://my-bucket/" });
    expect(vertexPlace(undefined)).toEqual({
      project: "my-project",
      location: "us-central1",
      bucket: "my-bucket",
      baseUrl: "https://us-central1-aiplatform.googleapis.com",
      storageUrl: null,
    });
    vi.stubEnv("GOOGLE_CLOUD_LOCATION", "global");
    expect(vertexPlace(undefined).baseUrl).toBe("https://aiplatform.googleapis.com");
    vi.stubEnv("GOOGLE_CLOUD_LOCATION", "europe-west4");
    expect(vertexPlace(undefined).baseUrl).toBe("https://europe-west4-aiplatform.googleapis.com");
  });

  it("has its files where it has its jobs, unless they are told apart", () => {
    environment({ GOOGLE_CLOUD_PROJECT: "p1", GCS_BUCKET: "b1" });
    expect(vertexPlace("https://gateway.example").storageUrl).toBe("https://gateway.example");
    expect(vertexPlace("https://x.googleapis.com").storageUrl).toBeNull();
    expect(vertexPlace("https://x.googleapis.com.example").storageUrl).not.toBeNull();
    vi.stubEnv("GOOGLE_VERTEX_BASE_URL", "http://127.0.0.1:1");
    expect(vertexPlace(undefined).baseUrl).toBe("http://127.0.0.1:1");
    vi.stubEnv("VERTEX_BASE_URL", "http://127.0.0.1:2");
    expect(vertexPlace(undefined)).toMatchObject({
      baseUrl: "http://127.0.0.1:2",
      storageUrl: "http://127.0.0.1:2",
    });
    vi.stubEnv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:3");
    expect(vertexPlace(undefined).storageUrl).toBe("http://127.0.0.1:3");
    vi.stubEnv("STORAGE_EMULATOR_HOST", "127.0.0.1:3");
    expect(refusal(() => vertexPlace(undefined))).toMatchObject({ code: "base_url_invalid" });
  });

  it("needs no names at an address of this machine, and the given ones count there", () => {
    expect(vertexPlace(LOCAL)).toMatchObject({ project: "local", bucket: "local" });
    environment({ GOOGLE_CLOUD_PROJECT: "p1", GCS_BUCKET: "b1" });
    expect(vertexPlace(LOCAL)).toMatchObject({ project: "p1", bucket: "b1" });
  });

  it.each([
    [{}, "GOOGLE_CLOUD_PROJECT", "not set"],
    [{ GOOGLE_CLOUD_PROJECT: "p1" }, "GCS_BUCKET", "not set"],
    [{ GOOGLE_CLOUD_PROJECT: "p1", GCS_BUCKET: "b1/folder" }, "GCS_BUCKET", "b1/folder"],
    [{ GOOGLE_CLOUD_PROJECT: "p/x", GCS_BUCKET: "b1" }, "GOOGLE_CLOUD_PROJECT", "p/x"],
    [{ GOOGLE_CLOUD_LOCATION: "evil.example/" }, "GOOGLE_CLOUD_LOCATION", "evil.example/"],
  ])("is refused where %j says too little or too much", (values, variable, words) => {
    environment(values);
    const error = refusal(() => vertexPlace(undefined));
    expect(error.code).toBe("environment_invalid");
    expect(error.message).toContain(variable);
    expect(error.message).toContain(words);
    expect(error.hint).toContain(`export ${variable}=`);
  });
});

describe("vertex/… as a model's name", () => {
  it("opens the provider without credentials", async () => {
    environment({ GOOGLE_CLOUD_PROJECT: "p1", GCS_BUCKET: "b1" });
    const { provider, model } = await openModel("vertex/gemini-2.5-flash");
    expect([provider.id, provider.host, model]).toEqual([
      "vertex",
      "us-central1-aiplatform.googleapis.com",
      "gemini-2.5-flash",
    ]);
  });

  it("takes no key for Google's own addresses, and one for an emulator's", async () => {
    environment({ GOOGLE_CLOUD_PROJECT: "p1", GCS_BUCKET: "b1" });
    const spec = { provider: "vertex", model: "m", apiKey: "token-123" };
    await expect(openModel(spec)).rejects.toMatchObject({ code: "option_unsupported" });
    await expect(openModel({ ...spec, baseUrl: "http://gateway.example" })).rejects.toMatchObject({
      code: "base_url_invalid",
    });
    const opened = await openModel({ ...spec, baseUrl: LOCAL });
    expect(opened.provider.host).toBe("127.0.0.1:9");
  });
});
