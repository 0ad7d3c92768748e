/** What checks a reply's value, whatever the schema was written in. */

/** The value that came out, or what is wrong with what went in. */
export type Verdict = { readonly value: unknown } | { readonly issues: readonly string[] };

/** Checks a parsed reply and gives the value it stands for; never throws. */
export type Validator = (value: unknown) => Verdict | Promise<Verdict>;

/** A path as messages begin with it: `items[2].name: `; nothing for the value itself. */
export function pathText(path: readonly PropertyKey[]): string {
  if (path.length === 0) return "";
  const text = path.map((part) =>
    typeof part === "number" || /^\d+$/.test(String(part))
      ? `[${String(part)}]`
      : `.${String(part)}`,
  );
  return `${text.join("").replace(/^\./, "")}: `;
}

const MOST_ISSUES = 3;
const MOST_CHARACTERS = 160;

/** The first few issues as one message, each cut short: a library may quote the whole reply. */
export function issuesText(issues: readonly string[]): string {
  const first = issues.slice(0, MOST_ISSUES).map((issue) => cut(issue, MOST_CHARACTERS));
  const more = issues.length - first.length;
  return `${first.join("; ")}${more > 0 ? `; and ${String(more)} more` : ""}`;
}

/** At most 80 characters of a reply, quoted. */
export function excerpt(text: string): string {
  return JSON.stringify(cut(text, 80));
}

function cut(text: string, characters: number): string {
  if (text.length <= characters) return text;
  // Half a surrogate pair would not survive being written as UTF-8.
  return `${text.slice(0, characters).replace(/[\uD800-\uDBFF]$/, "")}…`;
}
