import { describe, expect, it } from "vitest";

import {
  asksSentimentScore,
  polaritiesOf,
  polarityOfBoolean,
  splitName,
} from "../../../src/provider/embedded/sentiment-words.ts";

const ofNames = (...names: string[]) => polaritiesOf(names.map((name) => ({ name })));

describe("polaritiesOf", () => {
  it("knows common scales, in any order and case", () => {
    expect(ofNames("pos", "neg", "neu")).toEqual(["positive", "negative", "neutral"]);
    expect(ofNames("Unfavourable", "FAVORABLE")).toEqual(["negative", "positive"]);
    expect(ofNames("negative", "mixed", "positive")).toEqual(["negative", "neutral", "positive"]);
  });

  it("takes a name before a description, and a description before nothing", () => {
    expect(
      polaritiesOf([
        { name: "good", description: "no complaint in it" },
        { name: "x", description: "the writer is dissatisfied" },
        { name: "y", description: "neither positive nor negative" },
      ]),
    ).toEqual(["positive", "negative", "neutral"]);
  });

  it("refuses doubles, strangers, and sets of the wrong size", () => {
    expect(ofNames("good", "happy", "bad")).toBeUndefined();
    expect(ofNames("good", "bad", "billing")).toBeUndefined();
    expect(ofNames("good")).toBeUndefined();
    expect(ofNames("good", "bad", "neutral", "mixed")).toBeUndefined();
  });
});

describe("polarityOfBoolean", () => {
  it("reads names in any style, and short descriptions", () => {
    expect(polarityOfBoolean("is_positive")).toBe("positive");
    expect(polarityOfBoolean("isUnhappyCustomer")).toBe("negative");
    expect(polarityOfBoolean("flag", "the text is negative")).toBe("negative");
    expect(polarityOfBoolean("is_refund")).toBeUndefined();
  });
});

describe("asksSentimentScore", () => {
  it("knows a sentiment axis from another", () => {
    expect(asksSentimentScore("customerSatisfaction")).toBe(true);
    expect(asksSentimentScore("tone", "0 is negative, 1 is positive")).toBe(true);
    expect(asksSentimentScore("urgency", "how soon an answer is needed")).toBe(false);
  });
});

describe("splitName", () => {
  it("gives the same words for every style of name", () => {
    expect(splitName("isRefundRequest")).toEqual(splitName("is_refund-request"));
  });
});
