import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import { markup, markupOf } from "../../src/display/html.ts";
import { cutText, dollars, oneLine, visible } from "../../src/display/text.ts";

const ESC = String.fromCharCode(27);

describe("markup", () => {
  it("escapes whatever is put into it, between tags and in attributes", () => {
    const nasty = `<script>alert("1")</script> & 'x'`;
    expect(markupOf(markup`<td title="${nasty}">${nasty}</td>`)).toBe(
      '<td title="&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;">' +
        "&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt; &amp; &#39;x&#39;</td>",
    );
  });

  it("never gives a character that opens a tag, ends an attribute or acts unseen", () => {
    const unit = fc.constantFrom("<", ">", '"', "'", "&", ESC, "\u202e", "\u0000", "a", "\ud800");
    const text = fc.oneof(fc.string({ unit: "binary" }), fc.string({ unit }));
    fc.assert(
      fc.property(text, (value) => {
        const inside = markupOf(markup`${value}`);
        expect(inside).not.toMatch(/[<>"'\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e]/);
        expect(inside.replaceAll(/&(amp|lt|gt|quot|#39);/g, "")).not.toContain("&");
        expect(inside.isWellFormed()).toBe(true);
      }),
    );
  });

  it("puts markup into markup as it is, one or many, and drops the template's line breaks", () => {
    const cells = ["<\n", "b"].map((cell) => markup`<td>${cell}</td>`);
    const row = markup`<tr>
      ${cells}
      <th
        class="${"x"}">${markup`<br>`}${3}</th>
    </tr>`;
    expect(markupOf(row)).toBe('<tr><td>&lt;\n</td><td>b</td><th class="x"><br>3</th></tr>');
  });
});

describe("text", () => {
  it("shows what would move a cursor or turn the direction of writing", () => {
    expect(visible(`${ESC}[31mred\u202eevil\u0007`)).toBe("\\x1b[31mred\\u{202e}evil\\x07");
    expect(visible("a\tb\r\nc 👩‍💻")).toBe("a\tb\nc 👩‍💻");
  });

  it("is cut between characters, and says how long it was", () => {
    expect(cutText("short", 5)).toBe("short");
    expect(cutText(`ab😀${"x".repeat(1000)}`, 3)).toBe("ab… (1,004 characters)");
    expect(oneLine("a\n\n  b", 10)).toBe("a b");
    expect(oneLine("abcdef", 4)).toBe("abc…");
  });

  it("says dollars with the digits that count, and never 0 for what is not known", () => {
    expect([null, 0, 0.0000012, 0.0042, 0.5, 1234.5].map(dollars)).toEqual([
      "unknown",
      "$0.00",
      "$0.0000012",
      "$0.0042",
      "$0.50",
      "$1234.50",
    ]);
  });
});
