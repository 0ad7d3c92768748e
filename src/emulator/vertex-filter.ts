/** The filters of Vertex's lists: conditions on a job joined by AND. */
import { badRequest, refusal } from "./google-errors.ts";
import type { VertexJob } from "./vertex-job.ts";

const CONDITION = /^([A-Za-z_.][\w.-]*)\s*(!=|=|:)\s*(?:"([^"]*)"|(\S+))$/;

/** What tells whether a job fits a filter; every job fits an empty one. Throws the refusal of one that cannot be read. */
export function filterOf(text: string): (job: VertexJob) => boolean {
  const conditions = text.trim() === "" ? [] : text.split(/\s+AND\s+/).map(conditionOf);
  return (job) => conditions.every((fits) => fits(job));
}

function conditionOf(text: string): (job: VertexJob) => boolean {
  const [, field, operator, quoted, bare] = CONDITION.exec(text.trim()) ?? [];
  const wanted = quoted ?? bare;
  if (field === undefined || wanted === undefined)
    throw refusal(badRequest(`Invalid filter: ${text}`));
  const value = valueOf(field);
  return (job) => {
    const found = value(job);
    if (operator === ":" && wanted === "*") return found !== undefined;
    return operator === "!=" ? found !== wanted : found === wanted;
  };
}

function valueOf(field: string): (job: VertexJob) => string | undefined {
  if (field.startsWith("labels.")) return ({ request }) => request.labels[field.slice(7)];
  if (field === "display_name") return ({ request }) => request.displayName;
  if (field === "state") return ({ state }) => `JOB_STATE_${state}`;
  throw refusal(badRequest(`Invalid filter: there is no field ${field}.`));
}
