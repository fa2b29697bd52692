import { Composer, type Document, type Node } from 'yaml';
import type { Report, Source } from '../diagnostics/index.ts';
import { policyBytesMax } from '../std/limits.ts';
import { checkCharacters } from './characters.ts';
import { checkNodes } from './nodes.ts';
import { reportSyntax } from './syntax.ts';
import { findMarks, lexemesMax, type Mark, readTokens } from './tokens.ts';

/** Deepest nesting of lists and maps in a file. */
export const nestingMax = 64;

const sizeHint = `at most ${policyBytesMax / 1024 / 1024} MiB, with at most ${lexemesMax} words and marks`;

/** Text → the tree of its one document, or nothing where the structure itself is broken. Everything found goes into the report. */
export function readDocument(source: Source, report: Report): Node | undefined {
  if (Buffer.byteLength(source.text) > policyBytesMax) {
    report.add('HG1001', 'the file is too large', { span: source.span(0, 0), hint: sizeHint });
    return undefined;
  }
  if (!checkCharacters(source, report)) return undefined;
  const { tokens, stopped } = readTokens(source.text, nestingMax);
  if (stopped !== undefined) {
    const span = source.span(stopped.at, stopped.at + 1);
    if (stopped.why === 'deep')
      report.add('HG1010', `lists and maps are nested more than ${nestingMax} deep`, { span });
    else report.add('HG1001', 'the file holds more than any policy needs', { span, hint: sizeHint });
    return undefined;
  }
  for (const mark of findMarks(tokens)) reportMark(mark, source, report);
  // Duplicate keys are found in `nodes.ts`, in time that grows with the file and not with its square.
  const options = { version: '1.2', schema: 'core', merge: false, uniqueKeys: false, strict: true } as const;
  const documents = [...new Composer(options).compose(tokens, true, source.text.length)];
  return soleDocument(documents, source, report);
}

function soleDocument(documents: readonly Document.Parsed[], source: Source, report: Report): Node | undefined {
  const broken = reportSyntax(documents, source, report);
  const [first, second] = documents;
  if (second !== undefined) {
    const start = source.text.lastIndexOf('---', second.contents?.range?.[0] ?? source.text.length);
    const span = source.span(Math.max(start, 0), Math.max(start, 0) + 3);
    report.add('HG1007', 'a second document starts here', { span, hint: 'keep one document in a file' });
  }
  if (broken || first === undefined) return undefined;
  const contents = first.contents as Node | null;
  if (contents === null || isNothing(contents)) {
    const hint = 'start with `version: 1`; the examples show a whole file';
    report.add('HG1013', 'the file is empty', { span: source.span(0, 0), hint });
    return undefined;
  }
  checkNodes(contents, source, report);
  return contents;
}

function isNothing(node: Node): boolean {
  return 'value' in node && node.value === null && 'source' in node && node.source === '';
}

function reportMark(mark: Mark, source: Source, report: Report): void {
  const span = source.span(mark.start, mark.end);
  if (mark.type === 'tag') {
    const hint = 'remove it; put text in quotes where it would read as a number';
    report.add('HG1006', `the tag \`${mark.text}\``, { span, hint });
  } else if (mark.type === 'directive') {
    report.add('HG1015', `the directive \`${mark.text}\``, {
      span,
      hint: 'remove the line; the file is read as YAML 1.2',
    });
  } else {
    const hint = mark.type === 'alias' ? '; text that starts with `*` needs quotes' : '';
    report.add('HG1005', `the ${mark.type} \`${mark.text}\``, {
      span,
      hint: `write the value out wherever it holds${hint}`,
    });
  }
}
