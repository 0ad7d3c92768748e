/** The thread beside a plan: it digests texts and counts tokens while the main one reads rows and writes files. */

import { parentPort, workerData } from "node:worker_threads";
import { digestTexts, type Digested, type PackedTexts } from "../core/packed.ts";
import { tokenCounter } from "./tokenizer.ts";

/** A model whose tokens are counted. */
export interface CountedModel {
  readonly provider: string;
  readonly model: string;
}

/** What the thread is asked: what texts come to, or the tokens of others. */
export type PlanQuestion = PackedTexts | readonly string[];

/** What the thread says: that it can be asked, or what it was asked for first. */
export type PlanReply = "ready" | Digested | readonly number[];

if (parentPort !== null) {
  const port = parentPort;
  const counted = workerData as CountedModel | null;
  const counter = counted === null ? null : await tokenCounter(counted.provider, counted.model);
  const reply = (said: PlanReply, moved: readonly { readonly buffer: ArrayBuffer }[]): void => {
    port.postMessage(
      said,
      moved.map(({ buffer }) => buffer),
    );
  };
  port.on("message", (asked: PlanQuestion) => {
    if ("bytes" in asked) {
      const digested = digestTexts(asked);
      reply(digested, Object.values(digested));
    } else
      reply(
        asked.map((text) => counter?.count(text) ?? 0),
        [],
      );
  });
  reply("ready", []);
}
