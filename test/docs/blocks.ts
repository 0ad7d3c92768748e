/** The code blocks of a page of documentation. */

/** One block of code, and the headings it stands under. */
export interface Block {
  /** The nearest heading of the second level. */
  readonly part: string;
  /** The nearest heading of the third level. */
  readonly heading: string;
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a page, in order. */
export function blocksOf(page: string): readonly Block[] {
  const blocks: Block[] = [];
  let part = "";
  let heading = "";
  let open: { readonly language: string; readonly lines: string[] } | null = null;
  for (const line of page.split("\n")) {
    const fence = /^```(\w*)$/.exec(line);
    if (fence !== null && open === null) open = { language: fence[1] ?? "", lines: [] };
    else if (fence !== null && open !== null) {
      blocks.push({ part, heading, language: open.language, code: open.lines.join("\n") });
      open = null;
    } else if (open !== null) open.lines.push(line);
    else if (line.startsWith("## ")) [part, heading] = [line.slice(3), ""];
    else if (line.startsWith("### ")) heading = line.slice(4);
  }
  return blocks;
}
