/** What a provider cannot be asked, said before anything is sent. */

import type { CallSettings } from "../core/call-settings.ts";
import { InputError } from "../core/errors.ts";
import type { Attachment } from "../core/attachment.ts";
import type { Message, RequestSpec } from "../core/request.ts";

/** What a provider takes, of all that a request may carry. */
export interface Capabilities {
  /** The name used in messages, such as `anthropic`. */
  readonly provider: string;
  readonly settings: ReadonlySet<keyof CallSettings>;
  readonly promptCache: ReadonlySet<string>;
  readonly forms: ReadonlySet<RequestSpec["form"]["kind"]>;
}

/**
 * Refuses what a provider has no place for.
 *
 * @throws {InputError} `setting_unsupported` or `output_unsupported`, naming what to leave out; nothing was sent.
 */
export function refuseUnsupported(spec: RequestSpec, can: Capabilities): void {
  if (!can.forms.has(spec.form.kind))
    throw new InputError(
      "output_unsupported",
      `${can.provider} cannot give answers of the kind ${JSON.stringify(spec.form.kind)}. Nothing was sent.`,
      { hint: "Ask for another output, or name a model of another provider." },
    );
  const given = Object.entries(spec.settings).filter(([, value]) => value !== undefined);
  for (const [name] of given)
    if (!can.settings.has(name as keyof CallSettings)) throw unsupportedSetting(name, can.provider);
  const cache = Object.entries(spec.promptCache ?? {}).filter(([, value]) => value !== undefined);
  for (const [name] of cache)
    if (!can.promptCache.has(name)) throw unsupportedSetting(`promptCache.${name}`, can.provider);
}

/** The error for one setting, with why where that is known. */
export function unsupportedSetting(name: string, provider: string, why = ""): InputError {
  return new InputError(
    "setting_unsupported",
    `${provider} takes no ${name}${why === "" ? "" : `: ${why}`}. Nothing was sent.`,
    { hint: `Leave out ${name}, or name a model of another provider.` },
  );
}

/** The error for a part of a message that a provider cannot be given. */
export function unsupportedPart(part: Attachment, provider: string, why: string): InputError {
  const form = "url" in part ? "an address" : `bytes of the type ${part.mediaType}`;
  return new InputError(
    "part_unsupported",
    `${provider} cannot be given ${part.type === "image" ? "an image" : "a file"} as ${form}: ${why}. Nothing was sent.`,
    { hint: "Give it in another way, or name a model of another provider." },
  );
}

/** The first picture or document in some messages; undefined where there is none. */
export function firstAttachment(messages: readonly Message[]): Attachment | undefined {
  for (const { content } of messages) {
    if (typeof content === "string") continue;
    for (const part of content) if (part.type !== "text") return part;
  }
  return undefined;
}
