import { afterEach, describe, expect, it, vi } from "vitest";
import { chooseModel } from "../../src/cli/model-choice.ts";

afterEach(() => {
  vi.unstubAllEnvs();
});

describe("chooseModel", () => {
  it("takes the flag before the environment, and the environment before the default", () => {
    vi.stubEnv("BATCHFRAME_MODEL", "openai/from-environment");
    const flags = { labels: "a,b" };
    expect(chooseModel({ ...flags, model: "openai/from-flag" })).toMatchObject({
      name: "openai/from-flag",
      why: null,
    });
    expect(chooseModel(flags)).toMatchObject({
      name: "openai/from-environment",
      why: "named by BATCHFRAME_MODEL",
    });
    vi.stubEnv("BATCHFRAME_MODEL", " ");
    expect(chooseModel(flags)).toMatchObject({ name: "embedded/use-lite" });
  });

  it("says why nobody's choice was taken", () => {
    expect(chooseModel({ labels: "a,b" }).why).toContain("default");
  });

  it("never picks a model that writes by itself", () => {
    expect(() => chooseModel({})).toThrow("No model is named");
  });

  it("hands on where the model is", () => {
    const flags = { model: "openai/org/model", baseUrl: "http://127.0.0.1:1/v1", settle: 5 };
    expect(chooseModel(flags).model).toEqual({
      provider: "openai",
      model: "org/model",
      baseUrl: "http://127.0.0.1:1/v1",
      settleMs: 5,
    });
  });
});
