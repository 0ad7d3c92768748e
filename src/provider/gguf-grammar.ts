/** JSON Schemas in the words of node-llama-cpp's grammars. Pure. */

/**
 * The same schema with `anyOf` named `oneOf`, the only union the package knows: it takes a part whose
 * keywords it does not know for one that permits null alone. Names of properties stay as they are.
 */
export function grammarSchema(schema: unknown): unknown {
  if (typeof schema !== "object" || schema === null || Array.isArray(schema)) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([keyword, value]: [string, unknown]) => {
      if (keyword === "properties") return [keyword, mapped(value)];
      if (keyword === "anyOf" && Array.isArray(value)) return ["oneOf", value.map(grammarSchema)];
      return [keyword, keyword === "items" ? grammarSchema(value) : value];
    }),
  );
}

function mapped(properties: unknown): unknown {
  if (typeof properties !== "object" || properties === null) return properties;
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, grammarSchema(schema)]),
  );
}
