/** Writes json-output.schema.json from src/cli/json-output.ts: node scripts/json-schema.ts. A test fails while it says anything else. */

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { format } from "prettier";
import { createGenerator, type Schema } from "ts-json-schema-generator";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Where the schema is, in the repository and in the package. */
export const schemaPath = join(root, "json-output.schema.json");

/** The text of the schema. */
export async function jsonSchema(): Promise<string> {
  const generator = createGenerator({
    path: join(root, "src", "cli", "json-output.ts"),
    tsconfig: join(root, "tsconfig.json"),
    skipTypeCheck: true,
    expose: "export",
    // Members are added within a version.
    additionalProperties: true,
    topRef: false,
    jsDoc: "basic",
  });
  const outputs = generator.createSchema("JsonOutputs");
  const events = generator.createSchema("JsonEventLines");
  const roots: Record<string, Schema> = {
    ...named(outputs, (words) => words.replaceAll(" ", "-")),
    ...named(events, (event) => `event-${event}`),
  };
  const schema = {
    $schema: "http://json-schema.org/draft-07/schema#",
    title: "What batchframe prints, schema version 1",
    description:
      "definitions has what each command prints with --json under the command's words (batches-list), " +
      "`failed` for one that fails, and under event-… the lines of --progress json on standard error. " +
      "Members are added within a version; none is changed or removed.",
    anyOf: Object.keys(roots).map((name) => ({ $ref: `#/definitions/${name}` })),
    definitions: sorted({ ...roots, ...outputs.definitions, ...events.definitions }),
  };
  return await format(JSON.stringify(schema), { parser: "json", printWidth: 100 });
}

/** The members of a schema of an object, as schemas of their own. */
function named(
  { properties = {} }: Schema,
  nameOf: (name: string) => string,
): Record<string, Schema> {
  const entries = Object.entries(properties).map(
    ([name, schema]) => [nameOf(name), schema as Schema] as const,
  );
  return Object.fromEntries(entries);
}

function sorted<Value>(record: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(record).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(schemaPath, await jsonSchema());
