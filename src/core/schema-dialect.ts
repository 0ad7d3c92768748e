/** What each provider's strict mode takes of JSON Schema, as data; `fitSchema` reads it. */

/** One provider's subset of JSON Schema. */
export interface SchemaDialect {
  /** Whose it is, as messages name it. */
  readonly name: string;
  /** Whether the provider holds the model to the schema; where it does not, a reply may be fenced. */
  readonly isEnforced: boolean;
  /** The validation keywords it takes beyond type, enum, anyOf, properties, required and items; null takes all. */
  readonly keywords: ReadonlySet<string> | null;
  /** The values of `format` it takes; null takes all. */
  readonly formats: ReadonlySet<string> | null;
  /** The JSON types an `enum` may list. */
  readonly enumTypes: ReadonlySet<string>;
  /** Whether objects must say `additionalProperties: false`, and hold named properties only. */
  readonly closesObjects: boolean;
  /** Whether every property must be required; optional ones are sent as nullable then. */
  readonly requiresAll: boolean;
  /** Whether every part must say its type. */
  readonly needsType: boolean;
  /** Whether `type` may be a list; unions of types are written with anyOf otherwise. */
  readonly typeLists: boolean;
  readonly limits: SchemaLimits;
}

/** How large a schema may be; a limit left out is none. */
export interface SchemaLimits {
  readonly properties?: number;
  /** Objects within objects, the outermost counted. */
  readonly objectLevels?: number;
  /** JSON objects within one another in the schema's own text, the outermost counted. */
  readonly textLevels?: number;
  readonly enumValues?: number;
  /** Characters of property names and enum values together. */
  readonly nameCharacters?: number;
  readonly optionalProperties?: number;
  /** Parts with several types or branches. */
  readonly unions?: number;
  /** The largest `minItems`. */
  readonly minItems?: number;
  readonly propertyNames?: RegExp;
}

const ANY_PRIMITIVE = new Set(["string", "integer", "number", "boolean", "null"]);

const SHARED = {
  isEnforced: true,
  formats: new Set<string>(),
  enumTypes: ANY_PRIMITIVE,
  closesObjects: true,
  requiresAll: true,
  needsType: true,
  typeLists: true,
} as const;

/** The part that every strict mode takes: types, enums, unions, dates and closed objects, all properties required. */
export const COMMON_DIALECT: SchemaDialect = {
  ...SHARED,
  name: "the provider's strict mode",
  keywords: new Set(["format"]),
  formats: new Set(["date-time", "date", "time"]),
  limits: { properties: 5000, objectLevels: 10, enumValues: 1000 },
};

/** OpenAI's `strict: true`. Source: its Structured Outputs guide, supported schemas, 2026. */
export const OPENAI_SCHEMA_DIALECT: SchemaDialect = {
  ...SHARED,
  name: "openai's strict mode",
  keywords: new Set([
    ...["const", "pattern", "multipleOf", "minimum", "maximum"],
    ...["exclusiveMinimum", "exclusiveMaximum", "minItems", "maxItems", "format"],
  ]),
  formats: new Set([
    ...["date-time", "time", "date", "duration"],
    ...["email", "hostname", "ipv4", "ipv6", "uuid"],
  ]),
  limits: { properties: 5000, objectLevels: 10, enumValues: 1000, nameCharacters: 120_000 },
};

/** Anthropic's `output_config.format`. Source: its structured outputs page and the SDK's own transformation. */
export const ANTHROPIC_SCHEMA_DIALECT: SchemaDialect = {
  ...SHARED,
  name: "anthropic's structured output",
  keywords: new Set(["const", "minItems", "format"]),
  formats: new Set([
    ...["date-time", "time", "date", "duration"],
    ...["email", "hostname", "uri", "ipv4", "ipv6", "uuid"],
  ]),
  requiresAll: false,
  limits: { optionalProperties: 24, unions: 16, minItems: 1 },
};

/** Gemini's `responseJsonSchema`. Source: the SDK's types; the formats from its structured output guide. */
export const GEMINI_SCHEMA_DIALECT: SchemaDialect = {
  ...SHARED,
  name: "gemini's response schema",
  keywords: new Set(["minimum", "maximum", "minItems", "maxItems", "prefixItems", "format"]),
  formats: new Set(["date-time", "date", "time"]),
  enumTypes: new Set(["string", "integer", "number", "null"]),
  closesObjects: false,
  requiresAll: false,
  needsType: false,
  limits: {},
};

/**
 * Gemini's on Vertex, whose importer reads rows as BigQuery does: at most 15 levels with the row's own
 * three, no empty objects, no `$` or spaces in names, and one JSON type for one name.
 */
export const VERTEX_SCHEMA_DIALECT: SchemaDialect = {
  ...GEMINI_SCHEMA_DIALECT,
  name: "vertex's batch rows",
  keywords: new Set(["minimum", "maximum", "minItems", "maxItems", "format"]),
  enumTypes: new Set(["string", "null"]),
  closesObjects: true,
  needsType: true,
  typeLists: false,
  limits: { textLevels: 12, propertyNames: /^[^$\s]+$/ },
};

/** Hosts of `response_format: json_schema` that document no subset of their own: Mistral and the like. */
export const HOST_SCHEMA_DIALECT: SchemaDialect = {
  ...COMMON_DIALECT,
  name: "the host's json_schema mode",
  keywords: new Set<string>(),
};

/** Servers that may heed `response_format` or not: asked as hosts of it are, and not trusted to hold the model to it. */
export const SERVER_SCHEMA_DIALECT: SchemaDialect = {
  ...HOST_SCHEMA_DIALECT,
  name: "the server's json_schema mode",
  isEnforced: false,
};

/** The grammar that node-llama-cpp makes of a schema. Source: its conversion of JSON Schemas, 3.22. */
export const GGUF_SCHEMA_DIALECT: SchemaDialect = {
  ...COMMON_DIALECT,
  name: "the grammar of node-llama-cpp",
  keywords: new Set(["const", "format", "minItems", "maxItems"]),
  typeLists: false,
};

/** No strict mode: the schema is told in the prompt, whole, and nothing holds the model to it. */
export const PROMPT_SCHEMA_DIALECT: SchemaDialect = {
  ...SHARED,
  name: "the prompt",
  isEnforced: false,
  keywords: null,
  formats: null,
  closesObjects: false,
  requiresAll: false,
  needsType: false,
  limits: {},
};
