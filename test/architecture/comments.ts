import ts from "typescript";
import { parse, placeOf } from "./source.ts";
import type { Sources } from "./source.ts";

/** Every export that lacks a doc comment which begins with a sentence. Re-exports are documented at home. */
export function undocumentedExports(sources: Sources): string[] {
  return [...sources].flatMap(([path, text]) => {
    const file = parse(path, text);
    return exportedStatements(file)
      .filter((statement) => !hasFirstSentence(statement))
      .map((it) => `${placeOf(file, it)} ${nameOf(it)} has no doc comment with a first sentence`);
  });
}

function exportedStatements(file: ts.SourceFile): ts.Statement[] {
  const listed = new Set(
    file.statements
      .filter((it) => ts.isExportDeclaration(it) && it.moduleSpecifier === undefined)
      .flatMap((it) => namesListed(it)),
  );
  const exported = file.statements.filter(
    (it) => isExported(it) || namesDeclared(it).some((name) => listed.has(name)),
  );
  // Only the first of a function's overloads carries the comment.
  return exported.filter((it, index) => {
    const before = exported[index - 1];
    const overload = ts.isFunctionDeclaration(it) && before !== undefined;
    return !(overload && ts.isFunctionDeclaration(before) && nameOf(before) === nameOf(it));
  });
}

function isExported(statement: ts.Statement): boolean {
  if (ts.isExportAssignment(statement)) return true;
  const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
  return modifiers?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword) ?? false;
}

function namesListed(statement: ts.Statement): string[] {
  if (!ts.isExportDeclaration(statement)) return [];
  const names = statement.exportClause;
  if (names === undefined || !ts.isNamedExports(names)) return [];
  return names.elements.map(({ propertyName, name }) => (propertyName ?? name).text);
}

function namesDeclared(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) {
    return statement.declarationList.declarations.map(({ name }) => name.getText());
  }
  const named =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return named && statement.name !== undefined ? [statement.name.text] : [];
}

function nameOf(statement: ts.Statement): string {
  return namesDeclared(statement).join(", ") || "the default export";
}

function hasFirstSentence(statement: ts.Statement): boolean {
  const comments = ts.getJSDocCommentsAndTags(statement).filter(ts.isJSDoc);
  const text = ts.getTextOfJSDocComment(comments.at(-1)?.comment) ?? "";
  const [paragraph = ""] = text.trim().split(/\n\s*\n/);
  return /^\S[^]*[.:!?](\s|$)/.test(paragraph);
}
