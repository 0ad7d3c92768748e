import { afterEach, describe, expect, it } from "vitest";
import { countedInThread, countsOf, type TokenCounts } from "../../src/session/counting.ts";
import { planThread, type PlanThread } from "../../src/session/plan-thread.ts";
import { tokenCounter } from "../../src/session/tokenizer.ts";

const EXACT = { provider: "openai", model: "gpt-5-mini" };
const TEXTS = ["", "a word", "say <|endoftext|> \ud83d", "é🙂 ".repeat(300)];

let open: PlanThread | null = null;

afterEach(async () => {
  await open?.close();
  open = null;
});

function opened(model = EXACT, file?: URL): TokenCounts {
  return countsOf(model, (open = planThread(model, file)));
}

async function counted({ provider, model } = EXACT): Promise<readonly number[]> {
  const { count } = await tokenCounter(provider, model);
  return TEXTS.map(count);
}

/** A thread's file, whose thread does this with each message. */
function threadThat(answers: string): URL {
  const code = `import { parentPort } from "node:worker_threads";
    let asked = 0;
    parentPort.on("message", (texts) => ${answers});`;
  return new URL(`data:text/javascript,${encodeURIComponent(code)}`);
}

const MINUS_ONES = "parentPort.postMessage(texts.map(() => -1))";

describe("the counts of a model's tokens", () => {
  it("are the same from the thread as here, each answer to its own texts", async () => {
    const counts = opened();
    const expected = await counted();
    const [all, last] = [counts.count(TEXTS), counts.count(TEXTS.slice(3))];
    expect(await last).toEqual(expected.slice(3));
    expect(await all).toEqual(expected);
  });

  it("need no thread where they go by characters", async () => {
    const model = { provider: "anthropic", model: "claude-sonnet-5" };
    open = planThread(countedInThread(model), threadThat(MINUS_ONES));
    expect(await countsOf(model, open).count(TEXTS)).toEqual(await counted(model));
  });

  it("are the thread's for the first plan of a process alone, and the same for later ones", async () => {
    expect(countedInThread(EXACT)).toEqual(EXACT);
    expect(countedInThread(EXACT)).toBeNull();
    open = planThread(countedInThread(EXACT), threadThat(MINUS_ONES));
    expect(await countsOf(EXACT, open).count(TEXTS)).toEqual(await counted());
  });

  it("are made here where there is no thread to be had", async () => {
    const counts = opened(EXACT, new URL("./no-such-file.ts", import.meta.url));
    expect(await counts.count(TEXTS)).toEqual(await counted());
    expect(await counts.count(TEXTS)).toEqual(await counted());
  });

  it("are made here when the thread breaks off in the middle", async () => {
    const broken = `asked++ === 0 ? ${MINUS_ONES} : process.exit(3)`;
    const counts = opened(EXACT, threadThat(broken));
    expect(await counts.count([""])).toEqual([-1]);
    expect(await Promise.all([counts.count(TEXTS), counts.count(TEXTS)])).toEqual([
      await counted(),
      await counted(),
    ]);
  });
});
