import { type Document, isCollection, isScalar, visit, type YAMLError } from 'yaml';
import type { Report, Source } from '../diagnostics/index.ts';

/** What is reported from the tokens already, tag by tag and alias by alias. */
const reportedAsMark = new Set([
  'TAG_RESOLVE_FAILED',
  'BAD_DIRECTIVE',
  'BAD_ALIAS',
  'ALIAS_PROPS',
  'MULTIPLE_TAGS',
  'MULTIPLE_ANCHORS',
]);

/** Problems after which the tree can still be trusted, so that the rest of the file is read too. */
const harmless = new Set([...reportedAsMark, 'BAD_DQ_ESCAPE']);

/** Problems that only follow from one before them. */
const consequences = new Set(['UNEXPECTED_TOKEN', 'MULTILINE_IMPLICIT_KEY', 'BLOCK_AS_IMPLICIT_KEY', 'MISSING_CHAR']);

/** Reports what the reader of YAML found; says whether the tree is broken by it. One a line, and no mere consequences. */
export function reportSyntax(documents: readonly Document.Parsed[], source: Source, report: Report): boolean {
  const errors = documents.flatMap((document) => document.errors.map((error) => ({ error, document })));
  const lines = new Set<number>();
  let broken = false;
  for (const { error, document } of errors.toSorted((a, b) => a.error.pos[0] - b.error.pos[0])) {
    const { line } = source.span(error.pos[0], error.pos[0]);
    const follows = lines.has(line) || (broken && consequences.has(error.code));
    if (!follows && !reportedAsMark.has(error.code)) reportOne(error, document, { source, report });
    lines.add(line);
    broken ||= !harmless.has(error.code);
  }
  for (const warning of documents.flatMap((each) => each.warnings)) {
    if (reportedAsMark.has(warning.code)) continue;
    report.add('HG1003', sentence(warning.message), { span: source.span(...warning.pos) });
  }
  return broken;
}

interface Reporting {
  readonly source: Source;
  readonly report: Report;
}

function reportOne(error: YAMLError, document: Document.Parsed, { source, report }: Reporting): void {
  const span = source.span(...error.pos);
  if (error.code === 'TAB_AS_INDENT') {
    report.add('HG1008', 'a tab stands where indentation belongs', { span, hint: 'indent by spaces' });
    return;
  }
  const { message, hint } = words[error.code] ?? {};
  const opened = unclosed(document, error, source);
  const notes = opened === undefined ? undefined : [{ message: 'opened here', span: source.span(opened, opened + 1) }];
  report.add('HG1002', message ?? sentence(error.message), { span, hint, notes });
}

/** Where the quote, bracket or brace was opened that an error says is not closed. */
function unclosed(document: Document.Parsed, error: YAMLError, source: Source): number | undefined {
  if (error.code !== 'MISSING_CHAR' && error.code !== 'BAD_INDENT') return undefined;
  let opened: number | undefined;
  visit(document, (_key, node) => {
    if (!isCollection(node) && !isScalar(node)) return;
    const start = node.range?.[0] ?? 0;
    const opens = '[{\'"'.includes(source.text[start] ?? ' ');
    if (opens && start < error.pos[0]) opened = Math.max(opened ?? 0, start);
  });
  return opened;
}

/** The reader's own words, in the form of our messages. */
function sentence(message: string): string {
  const line = (message.split('\n')[0] ?? '').replace(/[.:]$/, '');
  return line.charAt(0).toLowerCase() + line.slice(1);
}

/** Clearer words than the reader's, by its code. */
const words: Readonly<Record<string, { readonly message?: string; readonly hint: string }>> = {
  BAD_INDENT: { hint: 'close what was opened, and indent the lines of one list or map alike' },
  BAD_SCALAR_START: { hint: 'put the text in quotes' },
  BAD_DQ_ESCAPE: { hint: 'within double quotes a backslash starts an escape: write `\\\\`, or use single quotes' },
  BLOCK_AS_IMPLICIT_KEY: {
    message: 'a second `: ` within one value',
    hint: 'put text with `: ` in it in quotes; or the next line is indented further than its neighbours',
  },
  BLOCK_IN_FLOW: { hint: 'within `[ ]` and `{ }` write lists and maps with brackets and braces too' },
  MISSING_CHAR: { hint: 'close what was opened: a quote, bracket or brace' },
  MULTILINE_IMPLICIT_KEY: {
    message: 'this is no key with a value',
    hint: 'write `key: value` on one line, with a space after the colon',
  },
  UNEXPECTED_TOKEN: { hint: 'put text with special characters in quotes, and indent lines alike' },
};
