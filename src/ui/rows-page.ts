/** The rows of a run, fifty at a time, filtered by what became of them. */

import { setImmediate } from "node:timers/promises";
import {
  findRun,
  InputError,
  ROW_ERROR_CODES,
  rowsOf,
  type RunRow,
  type RunStatus,
} from "../index.ts";
import { markup, type Content, type Html } from "../display/html.ts";
import { SKIPPED } from "../display/receipt.ts";
import { count, counted, cutText } from "../display/text.ts";
import { link, table, type Page, type Query } from "./page.ts";
import { columnsOf } from "./run-page.ts";
import { answerTexts } from "./tally.ts";

/** Which rows are asked for; what is empty asks for all. */
export interface RowFilter {
  readonly run: string;
  /** Which of a run's columns, counted from 1. */
  readonly step: string;
  readonly status: string;
  readonly code: string;
  /** The member of an answer that `answer` is about; empty for an answer that is no object. */
  readonly field: string;
  /** An answer, or one of the answers of a list, exactly. */
  readonly answer: string;
  /** What the answer or the error's message contains, whatever the case of its letters. */
  readonly text: string;
  /** The row to begin at, counted from 1. */
  readonly from: string;
}

/** Rows on a page. */
export const ROWS_PER_PAGE = 50;

const MOST_CHARACTERS = 300;
const STATUSES = ["ok", "cached", "skipped", "failed", "pending"] as const;

/** The filter that an address asks for. */
export function filterOf(values: URLSearchParams): RowFilter {
  const of = (name: string): string => values.get(name) ?? "";
  return {
    ...{ run: of("run"), step: of("step"), status: of("status"), code: of("code") },
    ...{ field: of("field"), answer: of("answer"), text: of("text"), from: of("from") },
  };
}

/** A page of rows; `signal` ends the search for them. */
export async function rowsPage(
  filter: RowFilter,
  runDir: string,
  signal: AbortSignal,
): Promise<Page> {
  const run = await findRun(filter.run, runDir);
  const column = columnOf(run, filter.step);
  const first = /^[1-9]\d{0,14}$/.test(filter.from) ? Number(filter.from) - 1 : 0;
  const { rows, next } = await foundRows(column, { filter, first, signal });
  const of = run.plan === null ? "" : ` of ${count(run.plan.rows)}`;
  const at: Query = { ...filter, run: run.id };
  const isAll = !isFiltered(filter);
  const links = [
    ...(first > 0 ? [link("← first", "/rows", { ...at, from: "" })] : []),
    ...(first > 0 && isAll
      ? [link("previous", "/rows", { ...at, from: Math.max(1, first + 1 - ROWS_PER_PAGE) })]
      : []),
    ...(next === null ? [] : [link("next →", "/rows", { ...at, from: next + 1 })]),
  ].map((one) => markup`${one} `);
  return {
    title: `Rows of ${column.column}`,
    above: [link("Runs", "/"), link(run.id, "/run", { run: run.id })],
    body: [
      filterForm(filter, run),
      markup`<p class="bf-dim">${next === null ? "" : "the next "}${counted(rows.length, isAll ? "row" : "matching row")}${of}${first === 0 ? "" : `, from row ${count(first + 1)} on`}</p>`,
      table(
        COLUMNS,
        rows.map((row) => rowCells(row, run.id)),
        "No row is like this.",
      ),
      markup`<p>${links}</p>`,
    ],
  };
}

const COLUMNS = [
  { title: "row", kind: "num" },
  { title: "status", kind: "short" },
  { title: "answer" },
  { title: "why not" },
] as const;

function columnOf(run: RunStatus, step: string): RunStatus {
  const column = columnsOf(run)[step === "" ? 0 : Number(step) - 1];
  if (column !== undefined) return column;
  throw new InputError("row_unknown", `Run ${run.id} has no column ${JSON.stringify(step)}.`);
}

function isFiltered({ status, code, answer, field, text }: RowFilter): boolean {
  return [status, code, answer, field, text].some((value) => value !== "");
}

interface Search {
  readonly filter: RowFilter;
  readonly first: number;
  readonly signal: AbortSignal;
}

/** The next rows that match, and the first one after them that does; null where there is none. */
async function foundRows(
  run: RunStatus,
  { filter, first, signal }: Search,
): Promise<{ readonly rows: readonly RunRow[]; readonly next: number | null }> {
  const matches = matcher(filter);
  const rows: RunRow[] = [];
  for await (const block of rowsOf(run, first)) {
    for (const row of block) {
      if (!matches(row)) continue;
      if (rows.length === ROWS_PER_PAGE) return { rows, next: row.row };
      rows.push(row);
    }
    // Other pages are answered between blocks, and a reader who left is noticed.
    await setImmediate();
    signal.throwIfAborted();
  }
  return { rows, next: null };
}

function matcher(filter: RowFilter): (row: RunRow) => boolean {
  const { status, code, field, answer } = filter;
  const text = filter.text.toLowerCase();
  return (row) => {
    if (status !== "" && row.status !== status) return false;
    if (code !== "" && row.error?.code !== code) return false;
    if (answer !== "" || field !== "") {
      if (row.value === null || !answerTexts(memberOf(row.value, field)).includes(answer))
        return false;
    }
    if (text === "") return true;
    const told = row.value === null ? (row.error?.message ?? "") : answerText(row.value);
    return told.toLowerCase().includes(text);
  };
}

function memberOf(value: unknown, field: string): unknown {
  if (field === "") return value;
  if (typeof value !== "object" || value === null || !Object.hasOwn(value, field)) return null;
  return (value as Readonly<Record<string, unknown>>)[field];
}

/** An answer as one text. */
export function answerText(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function rowCells({ row, status, value, error, reason }: RunRow, run: string): readonly Content[] {
  const why =
    error === null
      ? reason === null
        ? ""
        : (SKIPPED[reason] ?? reason)
      : `${error.code} · ${error.message}`;
  return [
    link(count(row + 1), "/row", { run, row: row + 1 }),
    status === "failed" ? markup`<span class="bf-bad">${status}</span>` : status,
    value === null ? "" : cutText(answerText(value), MOST_CHARACTERS),
    cutText(why, MOST_CHARACTERS),
  ];
}

function filterForm(filter: RowFilter, run: RunStatus): Html {
  const { status, code, field, answer, text, step } = filter;
  const steps = columnsOf(run).map(({ column }, at) => [String(at + 1), column] as const);
  return markup`<form action="/rows">
    <input type="hidden" name="run" value="${run.id}" />
    ${run.steps.length === 0 ? markup`` : select("step", step === "" ? "1" : step, steps)}
    ${select("status", status, [["", "any"], ...STATUSES.map((one) => [one, one] as const)])}
    ${select("code", code, [["", "any"], ...ROW_ERROR_CODES.map((one) => [one, one] as const)])}
    ${input("answer", answer, "answer is")}${input("field", field, "in member")}
    ${input("text", text, "answer or message contains")}<button>Show</button>
    ${link("all rows", "/rows", { run: run.id, step })}
  </form>`;
}

function select(
  name: string,
  chosen: string,
  options: readonly (readonly [value: string, title: string])[],
): Html {
  return markup`<label
    >${name}<select name="${name}">
      ${options.map(([value, title]) => (value === chosen ? markup`<option value="${value}" selected>${title}</option>` : markup`<option value="${value}">${title}</option>`))}
    </select></label
  >`;
}

function input(name: string, value: string, title: string): Html {
  return markup`<label>${title}<input name="${name}" value="${value}" /></label>`;
}
