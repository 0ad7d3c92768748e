/** What is wrong with the tools a request names, whichever provider is asked. */

import type { CallSettings } from "../core/call-settings.ts";
import { InputError } from "../core/errors.ts";

const NAME = /^[A-Za-z0-9_-]{1,64}$/;

/**
 * Refuses tools that no provider could call as they are asked for: a choice without tools, a choice
 * of a tool that is not there, a name twice, a name that is none.
 *
 * @throws {InputError} `setting_unsupported`; nothing was sent.
 */
export function checkTools({ tools = [], toolChoice }: CallSettings): void {
  const names = tools.map(({ name }) => name);
  const odd = names.find((name, at) => !NAME.test(name) || names.indexOf(name) !== at);
  if (odd !== undefined)
    throw refused(
      `The tool name ${JSON.stringify(odd)} cannot be used: names are 1 to 64 letters, digits, _ and -, each given once.`,
      "Rename the tool.",
    );
  if (toolChoice === undefined || toolChoice === "none") return;
  if (names.length === 0)
    throw refused(
      "toolChoice is given without tools.",
      "Give tools as well, or leave toolChoice out.",
    );
  if (typeof toolChoice === "object" && !names.includes(toolChoice.tool))
    throw refused(
      `toolChoice names ${JSON.stringify(toolChoice.tool)}, which is none of the tools (${names.join(", ")}).`,
      "Name one of the tools.",
    );
}

function refused(problem: string, hint: string): InputError {
  return new InputError("setting_unsupported", `${problem} Nothing was sent.`, { hint });
}
