/** The session of a run that asks about long texts piece by piece: pieces go out, rows come back. */

import type { NewCells, NewColumn } from "../core/column.ts";
import { InputError, InvariantError } from "../core/errors.ts";
import { columnTaken } from "../core/existing.ts";
import { quotedFields, type AnswerForm } from "../core/form.ts";
import type { Json } from "../core/hash.ts";
import { rowTally } from "../core/receipt.ts";
import { piecesFrame, type PiecesFrame } from "../frame/pieces.ts";
import { combinedAnswer } from "../output/combine.ts";
import { newColumns, type ColumnLayout } from "../output/columns.ts";
import { newCells } from "../session/row-cells.ts";
import { relayedCells } from "../session/relayed-cells.ts";
import { openSession, type Conduct, type Session } from "../session/session.ts";
import { columnLayout, type Settings } from "../session/settings.ts";
import type { JoinedRows, RowOutcome } from "../stages/join.ts";

/** Opens the session that asks about the pieces. */
export type OpenSession = (settings: Settings, conduct: Conduct) => Promise<Session>;

/**
 * Opens a session over the pieces of long texts, which gives the rows as they were, each with the
 * answers to its pieces put together and `<column>_pieces` of them.
 *
 * A row of which any piece failed has failed, with that piece's code: part of a text is never taken for
 * all of it. The plan counts pieces.
 *
 * @throws {InputError} `option_unsupported` for what looks at single answers, `column_exists`; and what
 * opening any session throws.
 */
export async function openPieces(
  settings: Settings,
  conduct: Conduct,
  open: OpenSession = openSession,
): Promise<Session> {
  const { template, long, limit, column } = settings;
  if (long === null || !("parts" in template))
    throw new InvariantError("cells_misaligned", "There is nothing said of long texts.");
  refuseSingle(settings);
  const counted = `${column}_pieces`;
  if (!settings.replaces && settings.frame.columns.includes(counted))
    throw columnTaken(settings.frame.name, counted);
  const attached = new Set(template.attached);
  const columns = template.columns.filter((name) => !attached.has(name));
  const frame = piecesFrame(settings.frame, { columns, maxChars: long.maxChars, limit });
  const inner = await open(
    {
      ...settings,
      frame,
      limit: null,
      long: { ...long, onLong: "fail" },
      memo: { ...settings.memo, long: { ...long }, limit },
    },
    conduct,
  );
  return piecesSession(inner, { settings, frame });
}

/** @throws {InputError} `option_unsupported` */
function refuseSingle({ meta, form }: Settings): void {
  const what = meta.length > 0 ? "meta" : quotedFields(form).length > 0 ? "quotes" : null;
  if (what === null) return;
  throw new InputError(
    "option_unsupported",
    `${what} looks at single answers, and a long text asked in pieces has several. Nothing was sent.`,
    { hint: `Leave out ${what}, or let long texts fail or be cut (--on-long).` },
  );
}

interface Pieces {
  readonly settings: Settings;
  readonly frame: PiecesFrame;
}

function piecesSession(inner: Session, { settings, frame }: Pieces): Session {
  const layout: ColumnLayout = { ...columnLayout(settings), tellsCut: false };
  const { form, column } = settings;
  const columns: readonly NewColumn[] = [
    ...newColumns(column, layout),
    { name: `${column}_pieces`, type: "integer" },
  ];
  const rows = (from: PieceSpot = { row: 0, piece: 0 }): AsyncGenerator<PiecedRows> =>
    combinedRows(inner, { frame, form: layout.form, from });
  const cells = async function* (
    onRows: (rows: PiecedRows) => void = () => undefined,
    from?: PieceSpot,
  ): AsyncGenerator<NewCells> {
    for await (const joined of rows(from)) {
      onRows(joined);
      const block = newCells(joined, layout);
      const pieces = joined.outcomes.map(({ status }, at) =>
        status === "skipped" ? null : (joined.pieces[at] ?? null),
      );
      yield { ...block, columns: [...block.columns, pieces] };
    }
  };
  return {
    ...inner,
    columns,
    get looks() {
      return inner.looks;
    },
    get warnings() {
      const { maxChars } = settings.long ?? { maxChars: 0 };
      const told = `Texts longer than ${String(maxChars)} characters are asked about in pieces; the plan counts the pieces.`;
      return [...inner.warnings, told];
    },
    rows: async function* (firstRow = 0) {
      // Which piece is the first of a row is known once those before it are counted.
      for await (const joined of rows())
        if (joined.firstRow >= firstRow) yield joined;
        else if (joined.firstRow + joined.outcomes.length > firstRow)
          yield {
            ...joined,
            firstRow,
            outcomes: joined.outcomes.slice(firstRow - joined.firstRow),
          };
    },
    cells: () => cells(),
    complete: async (write) => {
      const labels = form.kind === "labels" ? form.labels.map(({ name }) => name) : null;
      const tally = rowTally(labels);
      const spot = { piece: 0 };
      const onRows = ({ outcomes, pieces }: PiecedRows): void => {
        for (const outcome of outcomes)
          if ("value" in outcome) tally.answered(outcome.value, outcome.status);
          else if (outcome.status === "skipped") tally.skipped(outcome.reason);
          else tally.failed(outcome.code);
        spot.piece += pieces.reduce((sum, count) => sum + count, 0);
      };
      const receipt = await inner.complete(async (_columns, innerCells, resume) => {
        const pieced = relayedCells([], {
          make: (_cells, row) => cells(onRows, { row, ...spot }),
          counted: {
            saved: () => ({ rows: tally.saved(), ...spot }),
            restore: (saved) => {
              const from = saved as { readonly rows: Json; readonly piece: number };
              tally.restore(from.rows);
              spot.piece = from.piece;
            },
          },
          journal: resume?.journal ?? "",
          madeWith: [resume?.key ?? "", settings.long?.maxChars ?? 0],
        });
        const going = resume === undefined ? undefined : pieced.resume;
        const written = await write(columns, pieced.cells, going);
        // Read to their end, so that what is judged otherwise than before is written down.
        const rest = innerCells[Symbol.asyncIterator]();
        while ((await rest.next()).done !== true) continue;
        return written;
      });
      const { skippedBy, failedBy } = tally;
      return { ...receipt, rows: tally.rows(), skippedBy, failedBy, labels: tally.labels };
    },
    [Symbol.asyncDispose]: () => inner[Symbol.asyncDispose](),
  };
}

/** A row, and the first of its pieces among all. */
interface PieceSpot {
  readonly row: number;
  readonly piece: number;
}

interface PiecedRows extends JoinedRows {
  /** How many pieces each row was asked in. */
  readonly pieces: readonly number[];
}

async function* combinedRows(
  inner: Session,
  {
    frame,
    form,
    from,
  }: { readonly frame: PiecesFrame; readonly form: AnswerForm; readonly from: PieceSpot },
): AsyncGenerator<PiecedRows> {
  const outcomes = outcomesOf(inner, from.piece);
  let firstRow = from.row;
  try {
    for await (const counts of frame.counts(from.row)) {
      const rows: RowOutcome[] = [];
      for (const count of counts) {
        const pieces: RowOutcome[] = [];
        while (pieces.length < count) {
          const next = await outcomes.next();
          if (next.done === true)
            throw new InvariantError(
              "cells_count",
              `The pieces of row ${String(firstRow + rows.length + 1)} are not all accounted for. Nothing was written.`,
            );
          pieces.push(next.value);
        }
        rows.push(combinedOutcome(form, pieces));
      }
      yield { firstRow, outcomes: rows, rejudged: [], pieces: [...counts] };
      firstRow += rows.length;
    }
  } finally {
    await outcomes.return(undefined);
  }
}

async function* outcomesOf(
  session: Session,
  firstRow: number,
): AsyncGenerator<RowOutcome, undefined> {
  for await (const { outcomes } of session.rows(firstRow)) yield* outcomes;
}

function combinedOutcome(form: AnswerForm, pieces: readonly RowOutcome[]): RowOutcome {
  const [first] = pieces;
  if (first !== undefined && pieces.length === 1) return first;
  const failed = pieces.find(({ status }) => status === "failed");
  if (failed !== undefined) return failed;
  const left = pieces.find((piece) => piece.status === "skipped" && piece.reason === "budget");
  if (left !== undefined) return left;
  const answered = pieces.flatMap((piece) => ("value" in piece ? [piece] : []));
  if (answered.length === 0) return first ?? { status: "skipped", reason: "blank" };
  return {
    status: answered.every(({ status }) => status === "cached") ? "cached" : "ok",
    value: combinedAnswer(
      form,
      answered.map(({ value }) => value),
    ),
    toolCalls: answered.flatMap(({ toolCalls }) => toolCalls),
  };
}
