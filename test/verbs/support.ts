/** What the tests of verbs share: an emulator whose answers a test decides from the text it is asked about. */

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach } from "vitest";
import { startEmulator, type Emulator, type EmulatorOptions } from "../../src/emulator/emulator.ts";
import type { ModelSpec } from "../../src/provider/models.ts";

const cleaning: (() => Promise<void>)[] = [];

afterEach(async () => {
  for (const clean of cleaning.splice(0).reverse()) await clean();
});

/** A provider on this machine, and the options of quick runs in a folder of their own. */
export interface Stand {
  readonly emulator: Emulator;
  readonly folder: string;
  readonly model: ModelSpec;
  readonly quick: { readonly runDir: string; readonly pollEveryMs: number };
}

/** Starts a stand; closed when the test ends. */
export async function stand(options: EmulatorOptions = {}, model = "gpt-5-mini"): Promise<Stand> {
  const emulator = await startEmulator({ seed: 3, ...options });
  cleaning.push(() => emulator.close());
  const folder = await mkdtemp(join(tmpdir(), "verbs-"));
  cleaning.push(() => rm(folder, { recursive: true, force: true }));
  const at = { baseUrl: emulator.url, apiKey: "test-key", settleMs: 50 };
  return {
    emulator,
    folder,
    model: { provider: "openai", model, ...at },
    quick: { runDir: join(folder, "runs"), pollEveryMs: 5 },
  };
}

interface ChatBody {
  readonly messages: readonly { readonly role: string; readonly content: string }[];
}

/** An answerer that says what `say` makes of the text between marks, or of the last message without any. */
export function saying(say: (text: string) => unknown): NonNullable<EmulatorOptions["answer"]> {
  return ({ body }) => {
    const contents = (body as unknown as ChatBody).messages.map(({ content }) => content);
    // Where an answer was of no use, the text is followed by what was wrong with it.
    const marked = contents.map((content) => MARKED.exec(content)?.[1]).findLast(isText);
    const said = say(marked ?? contents.at(-1) ?? "");
    return { content: typeof said === "string" ? said : JSON.stringify(said) };
  };
}

const MARKED = /^\[text \w+\]\n([^]*)\n\[\/text \w+\]$/;

function isText(text: string | undefined): text is string {
  return text !== undefined;
}
