/** The thread beside a plan: it makes identities of texts and counts tokens while the main one reads rows and writes files. */

import { parentPort, workerData } from "node:worker_threads";
import { digestTexts, type PackedTexts } from "../core/packed.ts";
import type { Digested } from "../stages/plan.ts";
import { tokenCounter } from "./tokenizer.ts";

/** A model whose tokens are counted. */
export interface CountedModel {
  readonly provider: string;
  readonly model: string;
}

/** What the thread is asked: the identities of texts, or the tokens of others. */
export type PlanQuestion = PackedTexts | readonly string[];

/** What the thread says: that it can be asked, or what it was asked for first. */
export type PlanReply = "ready" | Digested | readonly number[];

if (parentPort !== null) {
  const port = parentPort;
  const counted = workerData as CountedModel | null;
  const counter = counted === null ? null : await tokenCounter(counted.provider, counted.model);
  const reply = (said: PlanReply, moved: readonly Uint8Array<ArrayBuffer>[]): void => {
    port.postMessage(
      said,
      moved.map(({ buffer }) => buffer),
    );
  };
  port.on("message", (asked: PlanQuestion) => {
    if ("bytes" in asked) {
      const digested = { ids: digestTexts(asked), bytes: asked.bytes };
      reply(digested, [digested.ids, digested.bytes]);
    } else
      reply(
        asked.map((text) => counter?.count(text) ?? 0),
        [],
      );
  });
  reply("ready", []);
}
