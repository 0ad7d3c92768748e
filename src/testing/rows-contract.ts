/** The promises about what a row may carry and how it may be answered. */

import assert from "node:assert/strict";
import { InputError } from "../core/errors.ts";
import type { Request } from "../core/request.ts";
import { COMMON_DIALECT } from "../core/schema-dialect.ts";
import { plainRequest } from "./asked.ts";
import { answerTo, NEVER, succeeded, type Bench } from "./bench.ts";
import { answerAsTold, COLOURS, loaded, type Cargo } from "./cargo.ts";
import { answerPromises } from "./answer-promises.ts";
import { tellPromises, type Promised, type Runner } from "./runner.ts";
import { EVERY_POWER, type Connect, type Power } from "./service.ts";

/** What a provider declares of its rows. */
export interface RowTraits {
  /** What its rows carry; everything else it must refuse before anything is sent. */
  readonly carries: readonly Cargo[];
  /** Whether the service holds the model to a schema, rather than batchframe checking it afterwards. */
  readonly holdsSchemas: boolean;
  /** Whether an answer costs nothing; false when left out. */
  readonly isFree?: boolean;
  /** What the service it is tried on can be told; everything when left out. */
  readonly powers?: readonly Power[];
}

const EVERY_CARGO: readonly Cargo[] = [
  "text",
  "labels",
  "object",
  "tools",
  "toolChoice",
  "imageBytes",
  "imageUrl",
  "fileBytes",
  "fileUrl",
  "embedding",
  "reasoning",
  "cacheKey",
  "cacheMarks",
  "cachedContent",
];

/**
 * Tells a test runner what a provider promises of single rows: that it carries what it declares and
 * refuses the rest before anything is sent, and how it reads answers that are cut off, refused or
 * unusable. `connect` is called once for each test.
 *
 * What the service has no power to try is told as skipped, with the reason.
 */
export function rowsContract(
  runner: Runner,
  name: string,
  connect: Connect,
  traits: RowTraits,
): void {
  const { carries, powers = EVERY_POWER } = traits;
  tellPromises(runner, { title: `${name}, row by row`, connect, powers }, [
    ...EVERY_CARGO.map((cargo) =>
      carries.includes(cargo) ? carried(cargo) : refused(cargo, carries.includes("text")),
    ),
    declared(traits),
    ...(carries.includes("text") ? answerPromises() : []),
  ]);
}

function carried(cargo: Cargo): Promised {
  return {
    name: `carries ${cargo}`,
    // Which label it is does not matter where nobody can say.
    needs: cargo === "labels" ? [] : ["answers"],
    holds: async (bench) => {
      const isTold = bench.can("answers");
      const { provider, cacheContent } = await bench.start(isTold ? { answer: answerAsTold } : {});
      const name = cargo === "cachedContent" ? ((await cacheContent?.()) ?? "") : "";
      const { differing, holds } = loaded(cargo, name);
      const asked = plainRequest("text", differing);
      provider.check(asked);
      const requestLine = provider.encode(asked, "rabcdefg-1-0");
      holds(succeeded(await answerTo(bench, requestLine)), isTold);
    },
  };
}

/** Refusal is seen against a request that is taken without the cargo, so that nothing else is refused. */
function refused(cargo: Cargo, writes: boolean): Promised {
  return {
    name: `refuses ${cargo}, and sends nothing`,
    needs: [],
    holds: async (bench) => {
      const { provider } = await bench.start();
      const plain = plainRequest("text", writes ? {} : { form: COLOURS });
      const check = (request: Request): void => {
        provider.check(request);
        provider.encode(request, "rabcdefg-1-0");
      };
      const before = await callsWithList(bench);
      check(plain);
      const { differing } = loaded(cargo, "cachedContents/some");
      assert.throws(
        () => {
          check({
            ...plain,
            ...(cargo === "text" ? { form: { kind: "text" } } : {}),
            ...differing,
          });
        },
        (error) => error instanceof InputError && error.code.endsWith("_unsupported"),
      );
      // A call that nobody waited for arrives before one that was made after it.
      assert.equal(await callsWithList(bench), 2 * before, "Something was sent.");
    },
  };
}

/** How many calls the service has counted, the listing of batches that is made here included; 0 where it counts none. */
async function callsWithList(bench: Bench): Promise<number> {
  if (!bench.can("books")) return 0;
  await Array.fromAsync(bench.provider().list(NEVER));
  return Object.values(bench.books().calls).reduce((sum, count) => sum + count, 0);
}

function declared({ holdsSchemas, isFree = false }: RowTraits): Promised {
  return {
    name: "says whether the service holds the model to a schema, and whether answers are free",
    needs: [],
    holds: async (bench) => {
      const { provider } = await bench.start();
      const { isEnforced } = provider.schemaDialect ?? COMMON_DIALECT;
      assert.deepEqual([isEnforced, provider.free], [holdsSchemas, isFree]);
    },
  };
}
