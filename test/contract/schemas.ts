/** What every provider promises of structured answers: whole runs against an emulator of its service. */

import pl from "nodejs-polars";
import { afterEach, describe, expect, it } from "vitest";
import type { JsonObject } from "../../src/core/hash.ts";
import type { RowErrorCode } from "../../src/core/result.ts";
import { lastUserText } from "../../src/emulator/answerers.ts";
import {
  echo,
  startEmulator,
  type Answerer,
  type Emulator,
  type EmulatorOptions,
  type Faults,
  type RowDose,
} from "../../src/emulator/emulator.ts";
import { enrichColumn } from "../../src/enrich.ts";
import type { RowResult } from "../../src/session/row-result.ts";
import { answerForm, type OutputOption } from "../../src/output/form.ts";
import { openModel, type ModelSpec } from "../../src/provider/models.ts";
import { newFolder } from "../frame/support.ts";
import { spec } from "../provider/support.ts";
import { SCHEMA_FORMS } from "./schema-forms.ts";

/** How one provider gives structured answers. */
export interface StructureTraits {
  /** Whether the service holds the model to the schema, so that a fence is no part of an answer. */
  readonly isHeld: boolean;
  /** Whether it can be asked for objects whose names the model chooses. */
  readonly takesMaps?: boolean;
  /** Whether an answer is the input of a tool: JSON of the protocol's own, in which no text can go wrong. */
  readonly isTool?: boolean;
}

/** Everything that was asked, answered and found out in a run. */
interface Outcome {
  readonly rows: readonly RowResult<unknown>[];
  /** The enriched frame. */
  readonly df: pl.DataFrame;
  /** Requests executed, those that were asked again included. */
  readonly executed: number;
}

/** Tests one provider. */
export function schemasContract(
  kind: string,
  modelAt: (emulator: Emulator) => ModelSpec,
  traits: StructureTraits,
): void {
  describe(`${kind}, asked for structure`, () => {
    let emulator: Emulator;
    afterEach(async () => {
      await emulator.close();
    });

    async function outcomeOf(
      texts: readonly string[],
      output: OutputOption,
      options: EmulatorOptions,
    ): Promise<Outcome> {
      emulator = await startEmulator({ seed: 3, ...options });
      const runDir = await newFolder();
      const frame = pl.DataFrame({ text: pl.Series("text", texts, pl.String) });
      const how = { column: "c", output, runDir, pollEveryMs: 5, maxTokens: 60_000 };
      const run = enrichColumn(frame, "{{text}}", modelAt(emulator), how);
      const df = await run;
      const rows = await Array.fromAsync(run);
      const { rowsExecuted, liveCalls } = emulator.stats();
      return { rows, df: df as unknown as pl.DataFrame, executed: rowsExecuted + liveCalls };
    }

    it.each(Object.entries(SCHEMA_FORMS))(
      "gives values of %s",
      async (_, { output, meant, asJson = [] }) => {
        const texts = Array.from({ length: 6 }, (_row, at) => `row ${String(at)}`);
        const said = new Map<string, string>();
        const answer = recorded(echo({ seed: 3 }), said);
        const { rows, df, executed } = await outcomeOf(texts, output, { answer });
        const expected = texts.map((text) => meant(JSON.parse(said.get(text) ?? "") as JsonObject));
        expect(rows).toEqual(
          expected.map((value, row) => ({ row, status: "ok", value, toolCalls: [], error: null })),
        );
        // Nothing was asked twice: whatever was said fitted.
        expect(executed).toBe(texts.length);
        expect(new Set(expected.map((value) => JSON.stringify(value))).size).toBeGreaterThan(1);
        for (const name of df.columns) {
          const field = name.slice(2);
          const values = expected.map((value) => (value as JsonObject)[field] ?? null);
          const cells = asJson.includes(field)
            ? values.map((value) => (value === null ? null : JSON.stringify(value)))
            : values;
          const isPlain = cells.every((cell) => typeof cell !== "object" || cell === null);
          if (name.startsWith("c_") && !["status", "error"].includes(field) && isPlain)
            expect(df.getColumn(name).toArray().map(plain)).toEqual(cells);
        }
      },
    );

    it("is refused a schema it cannot be asked in, and is sent nothing", async () => {
      const properties = { names: { type: "object", additionalProperties: { type: "integer" } } };
      const output = { jsonSchema: { type: "object", properties, required: ["names"] } };
      const asked = outcomeOf(["a"], output, {});
      if (traits.takesMaps === true) expect((await asked).rows[0]?.error).toBeNull();
      else {
        const refused = {
          code: "schema_unsupported",
          message: expect.stringContaining("additionalProperties at #/properties/names") as string,
        };
        await expect(asked).rejects.toMatchObject(refused);
        const { provider, model } = await openModel(modelAt(emulator));
        const asks = { ...spec(answerForm(output, model)), model };
        expect(() => {
          provider.check(asks);
        }).toThrow(expect.objectContaining(refused));
        await provider.close();
      }
      const sent = emulator.requests().filter(({ method }) => method === "POST");
      expect(sent.length > 0).toBe(traits.takesMaps === true);
    });

    const shape = { jsonSchema: SHAPE };

    it("asks once more for what is no answer, and pays for no other row twice", async () => {
      const faults = faultsOf({ count: 1 });
      const { rows, executed } = await outcomeOf(TEXTS, shape, { faults });
      const codes = codesOf(rows);
      expect(codes).toEqual({ ...ALL_OK, refuseRows: "refused", contentFilterRows: "refused" });
      const again = NAMES.filter((name) => endOf(name, traits) === "invalid_output");
      // A cut-off answer is asked again as well, under a larger cap.
      expect(executed).toBe(TEXTS.length + again.length + 1);
    });

    it("ends every fault under its own code, and takes none for an answer", async () => {
      const faults = faultsOf({});
      const { rows } = await outcomeOf(TEXTS, shape, { faults });
      const expected = Object.fromEntries(NAMES.map((name) => [name, endOf(name, traits)]));
      expect(codesOf(rows)).toEqual({ ...ALL_OK, ...expected });
    });
  });
}

const SHAPE = {
  type: "object",
  properties: {
    name: { type: "string" },
    tags: { type: "array", items: { type: "string" } },
    note: { type: ["string", "null"] },
  },
  required: ["name", "tags", "note"],
  additionalProperties: false,
} as const;

/** How an answer ends that a fault strikes every time. */
const ENDS = {
  wrongShapeRows: "invalid_output",
  deepRows: "invalid_output",
  invalidJsonRows: "invalid_output",
  nullContentRows: "invalid_output",
  duplicateKeyRows: "invalid_output",
  fencedRows: "invalid_output",
  hugeRows: "ok",
  truncateRows: "truncated",
  refuseRows: "refused",
  contentFilterRows: "refused",
} as const satisfies Partial<Record<keyof Faults, RowErrorCode | "ok">>;

type Fault = keyof typeof ENDS;

const NAMES = Object.keys(ENDS) as readonly Fault[];
const TEXTS = [...NAMES.map((name) => `${name}.`), "nothing."];
const ALL_OK: Readonly<Record<string, string>> = Object.fromEntries(
  [...NAMES, "nothing"].map((name) => [name, "ok"]),
);

/** Every fault, each for the row that is named after it. */
function faultsOf(dose: RowDose): Faults {
  const faults = NAMES.map((name) => [name, { ...dose, containing: `${name}.` }] as const);
  const hugeRows = { ...dose, containing: "hugeRows.", bytes: 100_000 };
  return { ...Object.fromEntries(faults), hugeRows };
}

function endOf(name: Fault, { isHeld, isTool = false }: StructureTraits): string {
  if (isTool && ["duplicateKeyRows", "fencedRows", "hugeRows"].includes(name)) return "ok";
  return name === "fencedRows" && !isHeld ? "ok" : ENDS[name];
}

function codesOf(rows: readonly RowResult<unknown>[]): Readonly<Record<string, string>> {
  const entries = rows.map(({ row, error, status }) => [
    TEXTS[row]?.replace(".", "") ?? "",
    error?.code ?? status,
  ]);
  return Object.fromEntries(entries) as Readonly<Record<string, string>>;
}

/** The same answers, each written down as the JSON it says under the text that asked. */
function recorded(answerer: Answerer, said: Map<string, string>): Answerer {
  return async (request) => {
    const answer = await answerer(request);
    const [call] = answer.toolCalls ?? [];
    said.set(lastUserText(request), answer.content ?? JSON.stringify(call?.arguments));
    return answer;
  };
}

/** A cell as JSON would have it: polars gives dates as such and whole numbers as bigints. */
function plain(cell: unknown): unknown {
  if (typeof cell === "bigint") return Number(cell);
  return cell instanceof Date ? cell.toISOString().slice(0, 10) : (cell ?? null);
}
