/** What is wrong with the messages of a chat request: their roles, and the parts they are made of. */
import { isJsonObject, type JsonObject } from "./json.ts";
import { badRequest, type OpenAiFailure } from "./openai-errors.ts";
import { first } from "./openai-strict-schema.ts";

const ROLES = ["system", "developer", "user", "assistant", "tool", "function"];

/** Why messages are refused, or null. */
export function refusalOfMessages(messages: unknown): OpenAiFailure | null {
  if (messages === undefined) return missing("messages");
  if (!Array.isArray(messages) || messages.length === 0) {
    const message = "Invalid 'messages': empty array. Expected an array with minimum length 1.";
    return badRequest(message, "messages", "empty_array");
  }
  const numbered = messages.map((message: unknown, at) => ({
    message,
    at: `messages[${String(at)}]`,
  }));
  return first(numbered, ({ message, at }) => refusalOfMessage(message, at));
}

function refusalOfMessage(message: unknown, at: string): OpenAiFailure | null {
  if (!isJsonObject(message) || typeof message["role"] !== "string") return missing(`${at}.role`);
  const { role, content } = message;
  if (!ROLES.includes(role)) return unknownValue(role, `${at}.role`, ROLES);
  if (!Array.isArray(content)) return null;
  const kinds = role === "user" ? USER_PARTS : role === "assistant" ? ANSWER_PARTS : TEXT_PARTS;
  const numbered = content.map((part: unknown, index) => ({
    part,
    where: `${at}.content[${String(index)}]`,
  }));
  return first(numbered, ({ part, where }) => refusalOfPart(part, where, kinds));
}

const TEXT_PARTS = ["text"];
const ANSWER_PARTS = ["text", "refusal"];
const USER_PARTS = ["text", "image_url", "input_audio", "file"];

function refusalOfPart(
  part: unknown,
  where: string,
  kinds: readonly string[],
): OpenAiFailure | null {
  const given = isJsonObject(part) ? part : {};
  const type = given["type"];
  if (typeof type !== "string") return missing(`${where}.type`);
  if (!kinds.includes(type)) return unknownValue(type, `${where}.type`, kinds);
  if (type === "image_url") return refusalOfImage(given["image_url"], `${where}.image_url`);
  if (type === "file") return refusalOfFile(given["file"], `${where}.file`);
  if (type !== "input_audio")
    return typeof given[type] === "string" ? null : missing(`${where}.${type}`);
  const message = "Invalid content part: this model does not support audio input.";
  return badRequest(message, where, "invalid_value");
}

/** Mistral takes the address itself, the others an object that holds it. */
function refusalOfImage(image: unknown, where: string): OpenAiFailure | null {
  const url = isJsonObject(image) ? image["url"] : image;
  if (typeof url !== "string") return missing(`${where}.url`);
  if (/^https?:\/\/./.test(url) || /^data:image\/[a-z.+-]+;base64,./.test(url)) return null;
  const message = `Invalid '${where}.url'. Expected an http address, or a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU=').`;
  return badRequest(message, `${where}.url`, "invalid_value");
}

function refusalOfFile(file: unknown, where: string): OpenAiFailure | null {
  const given: JsonObject = isJsonObject(file) ? file : {};
  if (typeof given["file_id"] === "string") return null;
  const odd = Object.keys(given).find((name) => name !== "file_data" && name !== "filename");
  if (odd !== undefined)
    return badRequest(
      `Unknown parameter: '${where}.${odd}'.`,
      `${where}.${odd}`,
      "unknown_parameter",
    );
  const { file_data: data, filename } = given;
  if (typeof data !== "string") return missing(`${where}.file_data`);
  if (typeof filename !== "string") return missing(`${where}.filename`);
  if (/^data:[a-z]+\/[a-z0-9.+-]+;base64,./i.test(data)) return null;
  const message = `Invalid '${where}.file_data'. Expected a base64-encoded data URL with a MIME type (e.g. 'data:application/pdf;base64,JVBERi0=').`;
  return badRequest(message, `${where}.file_data`, "invalid_value");
}

/** A 400 for a parameter that is not there. */
export function missing(name: string): OpenAiFailure {
  const message = `Missing required parameter: '${name}'.`;
  return badRequest(message, name, "missing_required_parameter");
}

/** A 400 for a value that is none of those known. */
export function unknownValue(
  value: unknown,
  where: string,
  known: readonly string[],
): OpenAiFailure {
  const list = known.map((one) => `'${one}'`).join(", ");
  const message = `Invalid value: '${String(value)}'. Supported values are: ${list}.`;
  return badRequest(message, where, "invalid_value");
}
