import fc from "../property.ts";
import { describe, expect, it } from "vitest";
import type { Cell } from "../../src/core/column.ts";
import { InputError } from "../../src/core/errors.ts";
import {
  checkTemplate,
  parseTemplate,
  renderTemplate,
  type OnNull,
  type Rendering,
  type RowCells,
} from "../../src/core/template.ts";

type Row = Readonly<Record<string, string | null>>;

function rendering(source: string, row: Row, onNull: OnNull = "skip"): Rendering {
  return renderTemplate(parseTemplate(source), cellsOf(row), onNull);
}

/** The row's cells; a text cell is its own value. */
function cellsOf(row: Readonly<Record<string, Cell>>): RowCells {
  const value = (column: string): Cell => row[column] ?? null;
  return { value, text: (column) => value(column) as string | null };
}

function textOf(source: string, row: Row, onNull: OnNull = "skip"): string {
  const made = rendering(source, row, onNull);
  if (!("content" in made) || typeof made.content !== "string")
    throw new Error(`It is no text: ${JSON.stringify(made)}`);
  return made.content;
}

function refusal(act: () => unknown): InputError {
  try {
    act();
  } catch (error) {
    if (error instanceof InputError) return error;
    throw error;
  }
  throw new Error("Nothing was thrown.");
}

describe("a template's placeholders", () => {
  it("become the exact text of the cell, whatever it holds", () => {
    const cell = ' "x" \n{{ b }} \\ $& é😀\u2028 ';
    expect(textOf("<{{ a }}>", { a: cell, b: "no" })).toBe(`<${cell}>`);
  });

  it("may have any white space around the name, or none", () => {
    expect(textOf("{{a}}{{ a }}{{\n\ta\n}}", { a: "1" })).toBe("111");
  });

  it("may name a column as a JSON string", () => {
    const row = { "odd | }} name": "1", ' "q" ': "2", "back\\": "3", "": "4" };
    expect(textOf('{{ "odd | }} name" }}', row)).toBe("1");
    expect(textOf('{{ " \\"q\\" " }}', row)).toBe("2");
    expect(textOf('{{ "back\\\\" | trim }}', row)).toBe("3");
    expect(refusal(() => parseTemplate('{{ "" }}')).code).toBe("template_syntax");
  });

  it("are listed once each, in order of first use", () => {
    expect(parseTemplate("{{ b }}{{ a | trim }}{{ b }}").columns).toEqual(["b", "a"]);
  });

  it("give their cell texts in order, repeated ones too", () => {
    expect(rendering("{{ a | trim }}-{{ b }}-{{ a }}", { a: " 1", b: "2" })).toEqual({
      content: "1-2- 1",
      cells: ["1", "2", " 1"],
    });
  });
});

describe("a template's escapes", () => {
  it("stand for literal braces", () => {
    expect(textOf("\\{{ a \\}} {{ a }}", { a: "1" })).toBe("{{ a }} 1");
    expect(parseTemplate("\\{{ a \\}}").columns).toEqual([]);
  });

  it("leave single braces and other backslashes alone", () => {
    expect(textOf('{"k": "\\n"} } { {{ a }}', { a: "1" })).toBe('{"k": "\\n"} } { 1');
  });
});

describe("a template's filters", () => {
  it("run from left to right", () => {
    expect(textOf("{{ a | trim | truncate: 2 | json }}", { a: '  "bc' })).toBe('"\\"b"');
    expect(textOf("{{ a | truncate: 3 | trim }}", { a: "  bc" })).toBe("b");
  });

  it("json makes a text that cannot end its quotes", () => {
    const cell = 'a"\n\\ " }';
    expect(JSON.parse(textOf("{{ a | json }}", { a: cell }))).toBe(cell);
  });

  it("default stands in for a missing or a blank cell only", () => {
    const source = '{{ a | default: "none | }} \\"x\\"" }}';
    expect(textOf(source, { a: null })).toBe('none | }} "x"');
    expect(textOf(source, { a: " \n" })).toBe('none | }} "x"');
    expect(textOf(source, { a: "0" })).toBe("0");
    expect(textOf('{{ a | default: "" }}!', { a: null })).toBe("!");
  });

  it("take a default with a lone quotation mark and with what ends a filter", () => {
    expect(textOf('{{ a | default: "5\\" | }} wide" | trim }}', { a: null })).toBe('5" | }} wide');
  });

  it("take a default that ends in a backslash", () => {
    expect(textOf('{{ a | default: "c:\\\\" | json }}', { a: null })).toBe('"c:\\\\"');
  });

  it("truncate counts code points", () => {
    expect(textOf("{{ a | truncate: 2 }}", { a: "😀😀😀" })).toBe("😀😀");
    expect(textOf("{{ a | truncate: 3 }}", { a: "a😀b" })).toBe("a😀b");
  });

  it("truncate keeps a prefix of whole code points", () => {
    const property = fc.property(
      fc.string({ unit: "binary", minLength: 1 }).filter((text) => text.trim() !== ""),
      fc.integer({ min: 1, max: 40 }),
      (text, most) => {
        const cut = textOf(`{{ a | truncate: ${String(most)} }}`, { a: text });
        expect(Array.from(cut)).toEqual(Array.from(text).slice(0, most));
      },
    );
    fc.assert(property);
  });

  it.each([
    ["{{ a | upper }}", '"upper" is not a filter'],
    ["{{ a | trunkate: 3 }}", 'Did you mean "truncate"'],
    ["{{ a | truncate }}", "whole number"],
    ["{{ a | truncate: 0 }}", "whole number"],
    ["{{ a | truncate: 1.5 }}", "whole number"],
    ["{{ a | trim: 2 }}", "takes no argument"],
    ["{{ a | default: x }}", "quoted text"],
    ["{{ a | default }}", "quoted text"],
    ["{{ a | }}", "is not a filter"],
    ["{{ }}", "names no column"],
    ["{{ | trim }}", "names no column"],
    ["{{ a", "not closed"],
    ["{{ a }", "not closed"],
  ])("refuse %s", (source, problem) => {
    const error = refusal(() => parseTemplate(source));
    expect(error.code).toBe("template_syntax");
    expect(error.message).toContain(problem);
    expect(error.message).toContain("Nothing was sent");
  });

  it("are refused with the place in the text", () => {
    const error = refusal(() => parseTemplate("ok {{ a }}\n\n  {{ b | nope }} rest"));
    expect(error.message).toContain("at character 15 (line 3)");
    expect(error.message).toContain("{{ b | nope }} rest");
  });
});

describe("a missing cell", () => {
  it("names its column, and a blank cell counts as missing", () => {
    expect(rendering("{{ a }}{{ b }}", { a: "1", b: null })).toEqual({ missing: "b" });
    expect(rendering("{{ a }}", { a: " \t\n\u00a0" })).toEqual({ missing: "a" });
    expect(rendering("{{ a }}", { a: null }, "fail")).toEqual({ missing: "a" });
  });

  it("is an empty text under onNull empty", () => {
    expect(rendering("<{{ a }}>", { a: null }, "empty")).toEqual({
      content: "<>",
      cells: [""],
    });
  });
});

describe("checkTemplate", () => {
  const check = (source: string, columns: readonly string[]): InputError =>
    refusal(() => {
      checkTemplate(parseTemplate(source), columns);
    });

  it("takes a template whose columns exist", () => {
    checkTemplate(parseTemplate("{{ a }}{{ b }}"), ["b", "a", "c"]);
    expect(parseTemplate("{{ a }}{{ b }}").columns).toEqual(["a", "b"]);
  });

  it("names near misses of an unknown column", () => {
    const error = check("{{ id }}{{ fedback }}", ["id", "feedback", "zip"]);
    expect(error.code).toBe("unknown_column");
    expect(error.message).toContain('"fedback"');
    expect(error.hint).toBe('Did you mean "feedback"?');
  });

  it("tells names that differ in case or spaces apart", () => {
    expect(check("{{ Feedback }}", ["feedback"]).hint).toContain('"feedback"');
    expect(check("{{ a }}", [" a"]).code).toBe("unknown_column");
  });

  it("refuses a template that names none, and sees single braces", () => {
    const error = check("Judge {text}", ["text"]);
    expect(error.code).toBe("template_constant");
    expect(error.hint).toBe("Write {{ text }} with two braces.");
    expect(check("Judge {this}", ["text"]).hint).toContain("{{ text }}");
    expect(check("Judge \\{{ text \\}}", ["text"]).code).toBe("template_constant");
  });
});

describe("any template", () => {
  const braceless = fc.string({ unit: "binary" }).filter((text) => !/[{}]/.test(text));

  it("renders text without braces unchanged", () => {
    fc.assert(
      fc.property(braceless, (text) => {
        expect(textOf(text, {})).toBe(text);
      }),
    );
  });

  it("is read, or refused with an InputError, and never anything else", () => {
    const token = fc.constantFrom(
      ...'{{ }} { } \\ " | : a trim json truncate: 2 default: \\{{ \\}} \n 😀'.split(" "),
      " ",
    );
    const source = fc.array(token, { maxLength: 20 }).map((tokens) => tokens.join(""));
    fc.assert(
      fc.property(source, fc.string(), (text, cell) => {
        try {
          const made = renderTemplate(
            parseTemplate(text),
            { text: () => cell, value: () => cell },
            "empty",
          );
          expect("content" in made || "unfit" in made).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(InputError);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it("renders piece by piece: the whole is the pieces in order", () => {
    const piece = fc.oneof(
      // A backslash before a brace is an escape, so pieces that could make one are left out.
      braceless.filter((text) => !text.includes("\\")),
      fc.constantFrom("{{ a }}", '{{ b | default: "z" }}', "{{ a | json }}", "\\{{", "\\}}"),
    );
    const row = { a: 'x"', b: null };
    fc.assert(
      fc.property(fc.array(piece), (pieces) => {
        const whole = textOf(pieces.join(""), row);
        expect(whole).toBe(pieces.map((source) => textOf(source, row)).join(""));
      }),
    );
  });
});

describe("a picture or a document", () => {
  const template = parseTemplate("See {{ photo | image }} and {{ note }}: {{ scan | file }}");
  const png = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2);
  const render = (row: Readonly<Record<string, Cell>>, onNull: OnNull = "skip"): Rendering =>
    renderTemplate(template, cellsOf(row), onNull);

  it("stands where the template names it, between the texts", () => {
    expect(template.attached).toEqual(["photo", "scan"]);
    const row = { photo: png, note: "a cat", scan: "https://example.com/a.pdf" };
    expect(render(row)).toEqual({
      content: [
        { type: "text", text: "See " },
        { type: "image", data: Buffer.from(png).toString("base64"), mediaType: "image/png" },
        { type: "text", text: " and a cat: " },
        { type: "file", url: "https://example.com/a.pdf" },
      ],
      cells: ["a cat"],
    });
  });

  it("is missing in a row with a blank cell, and left out where blanks are asked", () => {
    const row = { photo: " ", note: "a cat", scan: "https://example.com/a.pdf" };
    expect(render(row)).toEqual({ missing: "photo" });
    expect(render(row, "empty")).toHaveProperty("content", [
      { type: "text", text: "See  and a cat: " },
      { type: "file", url: "https://example.com/a.pdf" },
    ]);
  });

  it.each<Cell>(["cat.png", "/etc/passwd", "file:///etc/passwd", 7, Uint8Array.of(1, 2, 3)])(
    "is not made of %j",
    (photo) => {
      expect(render({ photo, note: "n", scan: null })).toEqual({ unfit: "photo" });
    },
  );

  it("goes with no other filter", () => {
    expect(() => parseTemplate("{{ a | trim | image }}")).toThrow("no other filter");
    expect(() => parseTemplate("{{ a | file: 3 }}")).toThrow("takes no argument");
  });
});
