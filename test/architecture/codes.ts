import ts from "typescript";
import { parse, placeOf, walk } from "./source.ts";
import type { Sources } from "./source.ts";

/** The codes that the sources can give a user, and the places where a code cannot be read off the text. */
export interface Codes {
  readonly found: ReadonlySet<string>;
  readonly unreadable: readonly string[];
}

/** The codes of every exception made with `new` of a class that descends from `BatchframeError`. */
export function errorCodes(sources: Sources): Codes {
  const files = [...sources].map(([path, text]) => parse(path, text));
  const classes = errorClasses(files);
  const found = new Set<string>();
  const unreadable: string[] = [];
  for (const file of files) {
    walk(file, (node) => {
      if (!ts.isNewExpression(node) || !classes.has(node.expression.getText(file))) return;
      const codes = literalsOf(node.arguments?.[0]);
      if (codes === null) unreadable.push(`${placeOf(file, node)} has a code that is no literal`);
      for (const code of codes ?? []) found.add(code);
    });
  }
  return { found, unreadable };
}

function errorClasses(files: readonly ts.SourceFile[]): Set<string> {
  const parents = new Map<string, string>();
  for (const file of files) {
    walk(file, (node) => {
      if (!ts.isClassDeclaration(node) || node.name === undefined) return;
      const base = node.heritageClauses?.find(
        ({ token }) => token === ts.SyntaxKind.ExtendsKeyword,
      );
      const parent = base?.types[0]?.expression.getText(file);
      if (parent !== undefined) parents.set(node.name.text, parent);
    });
  }
  const classes = new Set(["BatchframeError"]);
  const descends = (name: string): boolean => {
    const parent = parents.get(name);
    return classes.has(name) || (parent !== undefined && descends(parent));
  };
  for (const name of parents.keys()) if (descends(name)) classes.add(name);
  return classes;
}

/** The values an expression can have; null when the text does not tell. */
function literalsOf(node: ts.Expression | undefined): string[] | null {
  if (node === undefined) return null;
  if (ts.isStringLiteralLike(node)) return [node.text];
  if (ts.isParenthesizedExpression(node)) return literalsOf(node.expression);
  if (ts.isConditionalExpression(node)) {
    const [yes, no] = [literalsOf(node.whenTrue), literalsOf(node.whenFalse)];
    return yes === null || no === null ? null : [...yes, ...no];
  }
  // A caught exception that is thrown again with more words keeps its code.
  return node.getText() === "error.code" ? [] : null;
}

/** The codes of `RowErrorCode`, written as a union or as the elements of a constant list. */
export function rowErrorCodes(sources: Sources): Codes {
  const path = "src/core/result.ts";
  const file = parse(path, sources.get(path) ?? "");
  const type = declarationOf(file, "RowErrorCode");
  const found = new Set<string>();
  if (type !== undefined) collectCodes(file, type, found);
  return { found, unreadable: found.size > 0 ? [] : [`${path} has no readable RowErrorCode`] };
}

/** Adds the string literals of a type or list, and of those that it names in the same file. */
function collectCodes(file: ts.SourceFile, source: ts.Node, found: Set<string>): void {
  walk(source, (node) => {
    if (ts.isStringLiteral(node)) found.add(node.text);
    const named = ts.isTypeQueryNode(node)
      ? node.exprName.getText(file)
      : ts.isTypeReferenceNode(node)
        ? node.typeName.getText(file)
        : null;
    const declared = named === null ? undefined : declarationOf(file, named);
    if (declared !== undefined) collectCodes(file, declared, found);
  });
}

function declarationOf(file: ts.SourceFile, name: string): ts.Node | undefined {
  const alias = file.statements
    .filter(ts.isTypeAliasDeclaration)
    .find((it) => it.name.text === name);
  const constant = file.statements
    .filter(ts.isVariableStatement)
    .flatMap((it) => it.declarationList.declarations)
    .find((it) => it.name.getText(file) === name);
  return alias?.type ?? constant?.initializer;
}

/** The codes that a page of documentation lists, one heading ``### `code` `` each, in order. */
export function documentedCodes(page: string): string[] {
  return [...page.matchAll(/^### `([^`]+)`$/gm)].map(([, code = ""]) => code);
}

/** Every difference between the codes there are and the codes a page lists. */
export function codeBreaches(codes: Iterable<string>, page: string): string[] {
  const real = new Set(codes);
  const listed = documentedCodes(page);
  return [
    ...[...real].filter((it) => !listed.includes(it)).map((it) => `${it} is not documented`),
    ...listed.filter((it) => !real.has(it)).map((it) => `${it} is documented and never used`),
    ...listed
      .filter((it, index) => listed.indexOf(it) !== index)
      .map((it) => `${it} is documented twice`),
  ];
}
