/** batchframe's public names. */

export { cacheFileOf, clearCache, inspectCache } from "./cache.ts";
export type { CacheInfo } from "./cache.ts";
export type { CacheFilter, CacheShare } from "./store/reply-cache.ts";
export { defineConfig, findConfig, readConfig, recipeOf } from "./config.ts";
export type { BatchframeConfig, ConfigFile, ConfigSettings, Setting } from "./config.ts";
export { enrichColumn, enrichFile } from "./enrich.ts";
export { enrichRows } from "./enrich-rows.ts";
export type { RowsEnriched, RowsGiven } from "./enrich-rows.ts";
export type { RowRecord } from "./frame/records.ts";
export type { Lane, LaneChoice } from "./core/lane.ts";
export type { EnrichedSchema, EnrichOptions, FilePair, RowOf } from "./enrich.ts";
export type { CollectHow, EnrichRun, RunEvents } from "./enrich-run.ts";
export type { Preview, PreviewHow } from "./previews/preview-run.ts";
export type { RowResult } from "./session/row-result.ts";
export type { PlanAgainst } from "./core/against.ts";
export type { PlanHow, RunPlan } from "./run-plan.ts";
export type { LengthBin, PlanLook, SamplePrompt } from "./core/plan-look.ts";
export { openBatches } from "./batches/batches.ts";
export type { Batches } from "./batches/batches.ts";
export type { BuildOptions, BuiltBytes, BuiltFile } from "./batches/batch-building.ts";
export type { Waiting } from "./batches/batch-desk.ts";
export type { Downloaded, DownloadOptions, ReadOptions, ValueOf } from "./batches/batch-replies.ts";
export {
  resultLine,
  resultsById,
  succeededResults,
  unsuccessfulResults,
  valuesOf,
} from "./batches/batch-results.ts";
export type {
  BatchResult,
  CancelledResult,
  ExpiredResult,
  FailedResult,
  SucceededResult,
} from "./batches/batch-results.ts";
export type { BatchState, EndedBatch, WaitOptions } from "./batches/batch-waiting.ts";
export type { BatchRequest, LinesSource } from "./batches/request-lines.ts";
export type { ChunkFile, Given } from "./session/given.ts";
export { diffFiles } from "./diff.ts";
export type { AnswerColumn } from "./diff.ts";
export { filePrompt } from "./file-prompt.ts";
export type { FilePromptOptions, ShownPrompt } from "./file-prompt.ts";
export type { RowKeeper, Unanswered } from "./files/kept-rows.ts";
export type { OnLong } from "./told-columns.ts";
export { classify, classifyTask } from "./verbs/classify.ts";
export type { ClassifyOptions } from "./verbs/classify.ts";
export { embed, embedTask } from "./verbs/embed.ts";
export type { EmbedOptions } from "./verbs/embed.ts";
export { extract, extractTask } from "./verbs/extract.ts";
export type { ExtractOptions } from "./verbs/extract.ts";
export { filter, filterTask } from "./verbs/filter.ts";
export type { FilterOptions } from "./verbs/filter.ts";
export { score, scoreTask } from "./verbs/score.ts";
export type { ScoreOptions } from "./verbs/score.ts";
export { summarize, summarizeTask } from "./verbs/summarize.ts";
export type { SummarizeOptions } from "./verbs/summarize.ts";
export { fileTask } from "./verbs/task.ts";
export type { Task, VerbOptions } from "./verbs/task.ts";
export { translate, translateTask } from "./verbs/translate.ts";
export type { TranslateOptions } from "./verbs/translate.ts";
export { enrichColumns, enrichFileColumns } from "./enrich-columns.ts";
export type { ColumnStep, RunOptions, StepAnswers, StepsSchema } from "./enrich-columns.ts";
export { evaluateFile } from "./evaluate.ts";
export type { EvaluateOptions } from "./evaluate.ts";
export { examine } from "./doctor.ts";
export type { Check, ExamineOptions } from "./doctor.ts";
export { openFile, writeFileFrame } from "./files/files.ts";
export type { FileFrame } from "./files/files.ts";
export type { Frame, TypedField } from "./frame/frame.ts";
export type { OutputHow } from "./files/file-output.ts";
export type { CellPlace, CellSource, Counted, WriteResume } from "./frame/write-marks.ts";
export type { Piece } from "./core/lines.ts";
export type { FormulaSafe } from "./frame/csv-cells.ts";
export type { FileFormat } from "./frame/format.ts";
export type { OnBadRow } from "./frame/csv-judged.ts";
export type { OpenFileOptions } from "./frame/opened-file.ts";
export { headOfFile, headOfFrame } from "./files/file-head.ts";
export type { FrameHead, FileHead } from "./files/file-head.ts";
export { embeddedAnswerer } from "./provider/embedded-answerer.ts";
export type { EmbeddedAnswerer } from "./provider/embedded-answerer.ts";
export { failuresOf } from "./runs/failures.ts";
export type { FailuresHow, RowFailure } from "./runs/failures.ts";
export { keyNamesOf, keysOf, namedFailuresOf } from "./runs/named-rows.ts";
export type { NamedFailure, RunKeys } from "./runs/named-rows.ts";
export type { KeyCells } from "./frame/row-keys.ts";
export { rowsOf } from "./runs/run-rows.ts";
export type { RunRow } from "./runs/run-rows.ts";
export { cancelRun, findRun, listRuns, removeRun } from "./runs/runs.ts";
export { resumeRun } from "./resume-run.ts";
export { exportRun } from "./export.ts";
export { exportReview } from "./export-review.ts";
export type { ReviewExported, ReviewOptions } from "./export-review.ts";
export { importReview } from "./import-review.ts";
export type { ReviewImported } from "./import-review.ts";
export { checkFailuresFile, namedKey, writeFailures } from "./runs/failure-file.ts";
export { traceRow } from "./runs/trace.ts";
export type { RowTrace, Sending } from "./runs/trace.ts";
export { reparseRun } from "./reparse.ts";
export type { ReparseOptions } from "./reparse.ts";
export type { ResumeOptions } from "./resume-run.ts";
export type { RunStatus } from "./runs/runs.ts";
export {
  BatchframeError,
  BudgetError,
  InputError,
  InvariantError,
  ProviderError,
  StoreError,
} from "./core/errors.ts";
export type {
  CallSettings,
  PromptCache,
  Reasoning,
  Tool,
  ToolCall,
  ToolChoice,
} from "./core/call-settings.ts";
export type { DiffReport, LabelScore, Scores, Transition } from "./core/agreement.ts";
export type { Cell } from "./core/column.ts";
export type { Disagreement, EvalReport, PartScore } from "./core/evaluation.ts";
export { isWithinFailures } from "./core/failure-limit.ts";
export type { MaxFailures } from "./core/failure-limit.ts";
export type { Message, Params, Part } from "./core/request.ts";
export type { OnNull } from "./core/template.ts";
export type { BatchChange, BatchProgress, Phase, Progress } from "./core/progress.ts";
export type { TimeRange } from "./core/time-left.ts";
export { META_NAMES } from "./core/meta.ts";
export type { Existing } from "./core/existing.ts";
export type { MetaColumn, MetaName } from "./core/meta.ts";
export type { PlanCost } from "./core/plan-cost.ts";
export type { PlanEstimate } from "./core/plan.ts";
export type { Band, TokenEstimate } from "./core/token-estimate.ts";
export { pricedModels } from "./priced-models.ts";
export type { ModelPrice } from "./priced-models.ts";
export { priceOf } from "./core/price.ts";
export type { Price, PriceOverrides, TokenPrices } from "./core/price.ts";
export type { CascadeOption } from "./passes/cascade.ts";
export type { CascadeReceipt, PassReceipt, PassRole } from "./core/pass.ts";
export type { KeptRows, Receipt, RowCounts } from "./core/receipt.ts";
export { ROW_ERROR_CODES } from "./core/result.ts";
export type { PlannedSkip, RowErrorCode, RowStatus, SkipReason } from "./core/result.ts";
export type { Usage } from "./core/usage.ts";
export type { AnswerOf } from "./output/answer-type.ts";
export type { OutputOption } from "./output/form.ts";
export { schemaOption } from "./output/schema-option.ts";
export type { StandardSchema } from "./output/standard-schema.ts";
export { openModel, resolveModel } from "./provider/models.ts";
export type { NamedModel } from "./provider/model-names.ts";
export type { ModelRef, ModelSpec, OpenedModel } from "./provider/models.ts";
export type {
  Batch,
  BatchProvider,
  BatchStatus,
  ListedBatch,
  ProviderLimits,
  RequestFile,
  Sighting,
  Submission,
  Tag,
} from "./provider/provider.ts";
export type { BatchOutcome, Ending, EndingReason, RemoteNames } from "./core/chunk.ts";
export type { AnswerForm } from "./core/form.ts";
export type { Request, RequestSpec } from "./core/request.ts";
export type { RequestFailure, Result } from "./core/result.ts";
export type { Example, MessageGiven, PartGiven, PromptAnswer } from "./stages/render.ts";
export { enqueueDataset } from "./machines/enqueue.ts";
export type { DatasetJob } from "./machines/dataset-job.ts";
export type { Enqueued, EnqueueOptions } from "./machines/enqueue.ts";
export { serveWorkerHealth } from "./machines/health.ts";
export type { WorkerHealth } from "./machines/health.ts";
export { clearSharedCache, inspectSharedCache } from "./machines/shared-cache.ts";
export {
  exportSharedRun,
  sharedFailures,
  traceSharedRow,
  writeSharedFailures,
} from "./machines/shared-rows.ts";
export type { ExportedRun, SharedFailure } from "./machines/shared-rows.ts";
export {
  cancelSharedRun,
  findSharedRun,
  listSharedRuns,
  removeSharedRun,
  retrySharedRun,
} from "./machines/shared-runs.ts";
export type { SharedRun } from "./machines/shared-runs.ts";
export { migrateState, openState, stateAddress } from "./machines/shared-state.ts";
export type { SharedState, StateOptions } from "./machines/shared-state.ts";
export { runWorker } from "./machines/worker.ts";
export type { WorkerOptions } from "./machines/worker.ts";
export { logLine } from "./machines/worker-log.ts";
export type { Noted } from "./machines/worker-log.ts";
export type { Chunk, ChunkOrigin, ChunkState } from "./core/chunk.ts";
export type { NewCell, NewCells, NewColumn } from "./core/column.ts";
export type { Deadline } from "./core/deadline.ts";
export type { ErrorDetails, ProviderErrorDetails } from "./core/errors.ts";
export type { Label } from "./core/form.ts";
export type { Json, JsonObject } from "./core/hash.ts";
export type { CheckTemplate, ColumnsOf } from "./core/placeholders.ts";
export type { PlanCounts } from "./core/plan.ts";
export type { KeyCheck, RepeatedKey } from "./core/row-key.ts";
export type { RowSample, SampleOption } from "./core/sample.ts";
export type { LaneSum, PaidTwice } from "./core/receipt.ts";
export type { SchemaDialect } from "./core/schema-dialect.ts";
export type { JsonSchema } from "./core/schema.ts";
export type { FrameSchema, GoldColumn } from "./enrich-options.ts";
export type { Done } from "./enrich-run.ts";
export type { FileWritten } from "./files/files.ts";
export type { BadRows } from "./frame/csv-judged.ts";
export type { Block } from "./frame/frame.ts";
export type { OpenedFile } from "./frame/opened-file.ts";
export type { AnswerColumns } from "./output/answer-type.ts";
export type { OutputOfModel } from "./output/embedding-name.ts";
export type { OutputOf, StandardProps } from "./output/standard-schema.ts";
export type { TextEndpoint } from "./provider/openai-dialect.ts";
export type { ProviderWarning } from "./provider/provider.ts";
export type { Warning } from "./run/driver.ts";
export type { OpenedRun } from "./session/session.ts";
export type { AccountLimits } from "./store/postgres-admission.ts";
export type { Database } from "./store/postgres-client.ts";
export type { DatasetSums } from "./store/postgres-progress.ts";
export type { Ticks } from "./store/ticks.ts";
export type { ToldColumns } from "./told-columns.ts";
export type { LabelsOutput } from "./verbs/classify.ts";
export type { Embedded } from "./verbs/embed.ts";
export type { Decided, ValueOutput, VerbRun } from "./verbs/task.ts";
export type { Collection, Intent } from "./core/chunk.ts";
export type { ColumnType } from "./core/column.ts";
export type { Look } from "./core/look.ts";
export type { MetaCell, MetaColumnOf } from "./core/meta.ts";
export type { CheckColumn, IsAny, Placeholders } from "./core/placeholders.ts";
export type { SchemaLimits } from "./core/schema-dialect.ts";
export type { ArrowFrame } from "./frame/arrow.ts";
export type { CellField, CellType, RawCell, TimeUnit } from "./frame/cell-type.ts";
export type { BadRow } from "./frame/csv-judged.ts";
export type { CsvFrame } from "./frame/csv.ts";
export type { JsonFrame } from "./frame/json.ts";
export type { ParquetFrame } from "./frame/parquet.ts";
export type { StandardConverter, StandardResult } from "./output/standard-schema.ts";
export type { Pacing } from "./provider/pacing.ts";
export type { Queryable } from "./store/postgres-client.ts";
export type { PartState } from "./store/postgres-parts.ts";
export type { Mark } from "./core/look.ts";
export type { Match } from "./core/tracker.ts";
export type { ArrowContainer } from "./frame/arrow-native.ts";
export type { CsvDialect } from "./frame/csv-records.ts";
export type { FileState } from "./frame/csv.ts";
export type { JsonLayout } from "./frame/json-records.ts";
export type { FooterBytes } from "./frame/parquet-footer.ts";
export type { StandardConverterOptions, StandardIssue } from "./output/standard-schema.ts";
