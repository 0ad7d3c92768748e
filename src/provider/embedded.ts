/** The `embedded` provider: labels from a small model inside the package, on this machine, for nothing. */

import { InputError } from "../core/errors.ts";
import type { AnswerForm } from "../core/form.ts";
import { textOfMessage, type Request } from "../core/request.ts";
import type { Result } from "../core/result.ts";
import { NO_USAGE } from "../core/usage.ts";
import { localBatches, type LocalAnswerer } from "./local-engine.ts";
import type { BatchProvider } from "./provider.ts";
import {
  firstAttachment,
  refuseUnsupported,
  unsupportedPart,
  type Capabilities,
} from "./refusals.ts";
import { buildAnswerer, promptsOf, type Answerer } from "./embedded/answer.ts";
import { loadUseLite, readSentimentHead, type UseLite } from "./embedded/use-lite.ts";

/** What one request line holds for this model: the texts to judge and the form, and no instructions. */
interface EmbeddedLine {
  readonly custom_id: string;
  readonly text: string;
  readonly form: LabelsForm;
}

type LabelsForm = Extract<AnswerForm, { kind: "labels" }>;

const EMBEDDED: Capabilities = {
  provider: "embedded/use-lite",
  settings: new Set(),
  promptCache: new Set(),
  forms: new Set(["labels"]),
};

// Enough lines to keep the model's matrices full, few enough that a killed run repeats little.
const LINES_AT_ONCE = 32;

/**
 * The `embedded` provider. The model is loaded when the first chunk starts.
 *
 * It reads the cells a template puts into the prompt and ignores the words around them. It fills
 * labels, and refuses free text: it cannot write.
 */
export function embeddedProvider(): BatchProvider {
  const batches = localBatches(answerer());
  return {
    ...batches,
    id: "embedded",
    host: "this machine",
    free: true,
    limits: {
      maxRequestsPerBatch: 100_000,
      maxBytesPerBatch: 1_000_000_000,
      maxBytesPerRequest: 100_000_000,
      maxBatchesInFlight: 1,
    },
    requestsPerChunk: 1000,
    check: (spec) => {
      if (spec.form.kind === "labels") {
        refuseUnsupported(spec, EMBEDDED);
        if (spec.form.multi === true) throw oneLabelOnly();
        return;
      }
      throw new InputError(
        "free_text_unsupported",
        "embedded/use-lite can choose labels and cannot write text. Nothing was sent.",
        { hint: "Give labels, or name a model that writes, such as openai/gpt-5-mini." },
      );
    },
    encode: encodeLine,
    readdress: (line, customId) => JSON.stringify({ ...readLine(line), custom_id: customId }),
    // The model gives the same answer to the same text, and never an unusable one.
    amendable: () => new Set(),
    amend: (line, customId) => JSON.stringify({ ...readLine(line), custom_id: customId }),
    parse: parseReply,
  };
}

function oneLabelOnly(): InputError {
  return new InputError(
    "output_unsupported",
    "embedded/use-lite chooses one label, and several were asked for. Nothing was sent.",
    { hint: "Leave out multi, or name a model that writes, such as openai/gpt-5-mini." },
  );
}

function encodeLine(request: Request, customId: string): string {
  const [param] = Object.keys(request.params);
  if (param !== undefined)
    throw new InputError(
      "params_unsupported",
      `embedded/use-lite takes no parameters, and was given ${JSON.stringify(param)}. Nothing was sent.`,
      { hint: "Leave out --option (params in code), or name a model that takes them." },
    );
  const part = firstAttachment(request.messages);
  if (part !== undefined) throw unsupportedPart(part, "embedded/use-lite", "it reads text only");
  const text = request.cells.length > 0 ? request.cells.join("\n") : lastUserText(request);
  return JSON.stringify({ custom_id: customId, text, form: request.form });
}

function lastUserText(request: Request): string {
  const last = request.messages.findLast((message) => message.role === "user");
  return last === undefined ? "" : textOfMessage(last);
}

function readLine(line: string): EmbeddedLine {
  return JSON.parse(line) as EmbeddedLine;
}

/** The model as a local answerer; loaded at the first question, with what it needs to know per form. */
function answerer(): LocalAnswerer {
  let model: Promise<UseLite> | null = null;
  const known = new Map<string, Promise<Answerer>>();
  const answerAll = async (lines: readonly string[]): Promise<readonly string[]> => {
    const useLite = await (model ??= loadUseLite());
    const asked = lines.map(readLine);
    const vectors = await useLite.embed(asked.map(({ text }) => text)).catch((error: unknown) => {
      // Its thread has died: the next question loads the model anew.
      model = null;
      known.clear();
      throw error;
    });
    const replies: string[] = [];
    for (const [at, line] of asked.entries()) {
      const key = JSON.stringify(line.form);
      const ready = known.get(key) ?? answererOf(line.form, useLite);
      known.set(key, ready);
      const answer = await ready;
      const { value, confidence } = answer(line.text, vectors[at] ?? new Float32Array());
      replies.push(JSON.stringify({ custom_id: line.custom_id, label: value, confidence }));
    }
    return replies;
  };
  return {
    groupsAtOnce: 1,
    linesAtOnce: () => LINES_AT_ONCE,
    answer: async function* (lines) {
      yield await answerAll(lines);
    },
    close: async () => {
      await (await model)?.close();
    },
  };
}

async function answererOf(form: LabelsForm, useLite: UseLite): Promise<Answerer> {
  const prompts = await useLite.embed(promptsOf(form));
  return buildAnswerer(form, { prompts, head: await readSentimentHead() });
}

function parseReply(line: string): Result {
  let reply: { custom_id: string; label: string; confidence: number };
  try {
    reply = JSON.parse(line) as typeof reply;
  } catch {
    const failure = {
      code: "provider_error",
      message: "A line is damaged.",
      retryable: true,
    } as const;
    return { status: "failed", customId: null, failure, usage: null };
  }
  return {
    status: "succeeded",
    customId: reply.custom_id,
    text: JSON.stringify({ label: reply.label }),
    model: "use-lite",
    confidence: reply.confidence,
    usage: NO_USAGE,
  };
}
