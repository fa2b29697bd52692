import type { Node } from 'yaml';
import type { z } from 'zod';
import { Report, Source } from '../diagnostics/index.ts';
import type { Checked } from '../diagnostics/types.ts';
import { checkTree, type FileKind } from './check.ts';
import { Cursor } from './cursor.ts';
import { readDocument } from './document.ts';
import { checkNames } from './names.ts';
import { checkSecrets } from './secrets.ts';
import { spanOf } from './tree.ts';

/** One file to be read. */
export interface FileToParse<S extends z.ZodType> {
  readonly text: string;
  /** As diagnostics name it. */
  readonly file: string;
  readonly schema: S;
  readonly kind: FileKind;
}

/** Reads a file as YAML, holds it against its schema, and builds the value where no error stands in the way. */
export function parseFile<S extends z.ZodType, T>(
  input: FileToParse<S>,
  build: (root: Cursor<z.infer<S>>) => T,
): Checked<T> {
  const source = new Source(input.file, input.text);
  const report = new Report();
  const root = readDocument(source, report);
  if (root !== undefined) {
    // Secrets first: they are masked wherever a line is shown, so none may fall beyond the bound of a report.
    checkSecrets(root, source, report);
    checkTree(input.schema, root, { source, report, file: input.kind });
    if (!report.hasErrors) checkWhole(input.schema, root, source, report);
    else if (input.kind === 'policy') checkNames(root, source, report);
  }
  if (root === undefined || report.hasErrors) return { value: undefined, diagnostics: report.diagnostics() };
  return { value: build(new Cursor(root, source)), diagnostics: report.diagnostics() };
}

/** INVARIANT: what zod refuses is never let through, whatever the walk over the tree has found. */
function checkWhole(schema: z.ZodType, root: Node, source: Source, report: Report): void {
  const result = schema.safeParse(root.toJSON());
  for (const issue of result.error?.issues ?? []) {
    const message = `\`${issue.path.join('.')}\`: ${issue.message}`;
    report.add('HG1100', message, { span: spanOf(root, source) });
  }
}
