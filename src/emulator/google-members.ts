/** The members of Gemini's messages: the service reads protobuf JSON, which knows its members and refuses any other. */
import { isJsonObject } from "./json.ts";
import { camelCase, snakeCase, unknownMember } from "./google-json.ts";

type Members = Readonly<Record<string, MessageName | null>>;

function plain(...names: readonly string[]): Members {
  return Object.fromEntries(
    names
      .join(" ")
      .split(" ")
      .map((name) => [name, null]),
  );
}

/** The messages whose members are known. */
export type MessageName =
  | "GenerateContentRequest"
  | "EmbedContentRequest"
  | "Content"
  | "Part"
  | "Blob"
  | "FileData"
  | "Tool"
  | "FunctionDeclaration"
  | "ToolConfig"
  | "FunctionCallingConfig"
  | "GenerationConfig"
  | "ThinkingConfig";

// Source: the types of Google's SDK. `null` is a member whose own members are not looked at.
const MESSAGES: Readonly<Record<MessageName, Members>> = {
  GenerateContentRequest: {
    ...plain("model safetySettings cachedContent serviceTier labels store"),
    contents: "Content",
    systemInstruction: "Content",
    tools: "Tool",
    toolConfig: "ToolConfig",
    generationConfig: "GenerationConfig",
  },
  EmbedContentRequest: {
    ...plain("model taskType title outputDimensionality embedContentConfig"),
    content: "Content",
  },
  Content: { ...plain("role"), parts: "Part" },
  Part: {
    ...plain(
      "text functionCall functionResponse executableCode codeExecutionResult",
      "thought thoughtSignature videoMetadata mediaResolution partMetadata toolCall toolResponse",
    ),
    inlineData: "Blob",
    fileData: "FileData",
  },
  Blob: plain("mimeType data displayName"),
  FileData: plain("mimeType fileUri displayName"),
  Tool: {
    ...plain(
      "googleSearch googleSearchRetrieval codeExecution urlContext computerUse fileSearch",
      "googleMaps mcpServers",
    ),
    functionDeclarations: "FunctionDeclaration",
  },
  FunctionDeclaration: plain(
    "name description parameters parametersJsonSchema response responseJsonSchema behavior",
  ),
  ToolConfig: {
    ...plain("retrievalConfig includeServerSideToolInvocations"),
    functionCallingConfig: "FunctionCallingConfig",
  },
  FunctionCallingConfig: plain("mode allowedFunctionNames"),
  GenerationConfig: {
    ...plain(
      "candidateCount stopSequences maxOutputTokens temperature topP topK seed responseMimeType",
      "responseSchema responseJsonSchema _responseJsonSchema presencePenalty frequencyPenalty",
      "responseLogprobs logprobs responseModalities speechConfig mediaResolution",
      "enableEnhancedCivicAnswers imageConfig responseFormat",
    ),
    thinkingConfig: "ThinkingConfig",
  },
  ThinkingConfig: plain("includeThoughts thinkingBudget thinkingLevel"),
};

const NAMES: ReadonlyMap<Members, ReadonlySet<string>> = new Map(
  Object.values(MESSAGES).map((members) => [members, new Set(Object.keys(members))]),
);

/** What is wrong with the members of `value` as such a message, or null; `where` names its place. */
export function malformedMember(value: unknown, name: MessageName, where: string): string | null {
  if (!isJsonObject(value)) return `Invalid value at '${where}': expected an object.`;
  const members = MESSAGES[name];
  const unknown = unknownMember(value, NAMES.get(members) ?? new Set());
  if (unknown !== null)
    return `Invalid JSON payload received. Unknown name "${unknown}" at '${where}': Cannot find field.`;
  for (const [member, held] of Object.entries(value)) {
    const message = members[camelCase(member)];
    if (message === null || message === undefined) continue;
    const at = `${where}.${snakeCase(member)}`;
    const values = Array.isArray(held) ? [...held.entries()] : [[null, held] as const];
    for (const [index, one] of values) {
      const place = index === null ? at : `${at}[${String(index)}]`;
      const problem = malformedMember(one, message, place);
      if (problem !== null) return problem;
    }
  }
  return null;
}
