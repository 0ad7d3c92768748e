/** batchframe's public names. */

export { enrichColumn, enrichFile } from "./enrich.ts";
export type { AnswerOf, EnrichedSchema, EnrichOptions, FilePair, RowOf } from "./enrich.ts";
export type { EnrichRun, RowResult, RunEvents, RunPlan } from "./enrich-run.ts";
export { examine } from "./doctor.ts";
export type { Check, ExamineOptions } from "./doctor.ts";
export { previewFile } from "./preview.ts";
export type { Preview } from "./preview.ts";
export { embeddedAnswerer } from "./provider/embedded-answerer.ts";
export type { EmbeddedAnswerer } from "./provider/embedded-answerer.ts";
export { cancelRun, failuresOf, findRun, listRuns, removeRun, resumeRun } from "./runs.ts";
export type { ResumeOptions, RowFailure, RunStatus } from "./runs.ts";
export {
  BatchframeError,
  BudgetError,
  InputError,
  InvariantError,
  ProviderError,
  StoreError,
} from "./core/errors.ts";
export type { Cell } from "./core/column.ts";
export type { Message, Params } from "./core/request.ts";
export type { OnNull } from "./core/template.ts";
export type { Progress } from "./core/progress.ts";
export type { Receipt, RowCounts } from "./core/receipt.ts";
export { ROW_ERROR_CODES } from "./core/result.ts";
export type { RowErrorCode, RowStatus, SkipReason } from "./core/result.ts";
export type { Usage } from "./core/usage.ts";
export type { OutputOption } from "./output/form.ts";
export { openModel } from "./provider/models.ts";
export type { ModelRef, ModelSpec, OpenedModel } from "./provider/models.ts";
export type { BatchProvider } from "./provider/provider.ts";
export type { PromptAnswer } from "./stages/render.ts";
