import { printableLine } from '../std/invisible.ts';
import { maskSecrets } from '../std/secret-text.ts';
import type { Diagnostic, Severity, Span } from './types.ts';

export interface RenderOptions {
  /** Text of each file that diagnostics point into, by the name in their spans. A file that is missing shows no line. */
  readonly sources?: ReadonlyMap<string, string>;
  /** Default false. */
  readonly colour?: boolean;
}

interface Rendering {
  readonly lines: ReadonlyMap<string, readonly string[]>;
  readonly paint: (text: string, style: Style) => string;
}

type Style = Severity | 'bold' | 'frame';

const sgr: Readonly<Record<Style, string>> = { error: '1;31', warning: '1;33', note: '1;36', bold: '1', frame: '34' };

/** Code of literal secrets: their text is never printed. */
const secretCode = 'HG1130';
/** Longest piece of a line that is shown. */
const lineCharactersMax = 160;

/** Diagnostics for people: message, place, the line with what is meant underlined, hint; a closing line counts them. */
export function renderTerminal(diagnostics: readonly Diagnostic[], options: RenderOptions = {}): string {
  if (diagnostics.length === 0) return '';
  const rendering: Rendering = {
    lines: maskedLines(diagnostics, options.sources ?? new Map()),
    paint: options.colour ? (text, style) => `\u001b[${sgr[style]}m${text}\u001b[0m` : (text) => text,
  };
  return [...diagnostics.map((each) => renderOne(each, rendering)), summary(diagnostics)].join('\n');
}

function renderOne(diagnostic: Diagnostic, rendering: Rendering): string {
  const { paint } = rendering;
  const head = paint(`${diagnostic.severity}[${diagnostic.code}]`, diagnostic.severity);
  const lines = [`${head}${paint(`: ${diagnostic.message}`, 'bold')}`];
  const width = gutterWidth(diagnostic);
  if (diagnostic.span)
    lines.push(...excerpt(diagnostic.span, { width, style: diagnostic.severity, arrow: '-->' }, rendering));
  const margin = ' '.repeat(width);
  for (const note of diagnostic.notes ?? []) {
    lines.push(`${margin} ${paint('=', 'frame')} ${paint('note', 'bold')}: ${note.message}`);
    if (note.span) lines.push(...excerpt(note.span, { width, style: 'note', arrow: '-->' }, rendering));
  }
  if (diagnostic.hint) lines.push(`${margin} ${paint('=', 'frame')} ${paint('hint', 'bold')}: ${diagnostic.hint}`);
  return `${lines.join('\n')}\n`;
}

function gutterWidth({ span, notes }: Diagnostic): number {
  const numbers = [span, ...(notes ?? []).map((note) => note.span)].map((each) => String(each?.line ?? '').length);
  return Math.max(1, ...numbers);
}

interface Frame {
  readonly width: number;
  readonly style: Style;
  readonly arrow: string;
}

function excerpt(span: Span, frame: Frame, { lines, paint }: Rendering): string[] {
  const margin = ' '.repeat(frame.width);
  const place = `${margin}${paint(frame.arrow, 'frame')} ${span.file}:${span.line}:${span.column}`;
  const written = lines.get(span.file)?.[span.line - 1];
  if (written === undefined) return [place];
  const line = maskSecrets(written);
  const bar = paint('|', 'frame');
  const cut = window(line, span);
  const number = paint(String(span.line).padStart(frame.width), 'frame');
  const pointer = `${blank(cut.before)}${paint('^'.repeat(cut.marks), frame.style)}`;
  return [place, `${margin} ${bar}`, `${number} ${bar} ${cut.text}`.trimEnd(), `${margin} ${bar} ${pointer}`];
}

/** The piece of a line around a span, and where in it the marks go. Tabs are shown as one space, others invisible as `·`. */
function window(line: string, span: Span): { text: string; before: string; marks: number } {
  const start = Math.min(span.column - 1, line.length);
  const end = span.endLine === span.line ? Math.min(span.endColumn - 1, line.length) : line.length;
  const from = start < lineCharactersMax - 40 ? 0 : start - 40;
  const to = Math.min(line.length, from + lineCharactersMax);
  const text = `${from > 0 ? '…' : ''}${printableLine(line.slice(from, to))}${to < line.length ? '…' : ''}`;
  const before = `${from > 0 ? '…' : ''}${printableLine(line.slice(from, start))}`;
  return { text, before, marks: Math.max(1, [...line.slice(start, Math.min(end, to))].length) };
}

function blank(text: string): string {
  return ' '.repeat([...text].length);
}

/** Lines of each file; what a diagnostic calls a literal secret is starred out, whichever diagnostic shows the line. */
function maskedLines(diagnostics: readonly Diagnostic[], sources: ReadonlyMap<string, string>): Map<string, string[]> {
  const files = new Map([...sources].map(([file, text]) => [file, text.split(/\r?\n/)]));
  for (const { code, span } of diagnostics) {
    const lines = span && files.get(span.file);
    if (code !== secretCode || !span || !lines) continue;
    for (let number = span.line; number <= span.endLine; number += 1) {
      const line = lines[number - 1] ?? '';
      const start = number === span.line ? span.column - 1 : 0;
      const end = number === span.endLine ? span.endColumn - 1 : line.length;
      lines[number - 1] = `${line.slice(0, start)}${'*'.repeat(Math.max(0, end - start))}${line.slice(end)}`;
    }
  }
  return files;
}

function summary(diagnostics: readonly Diagnostic[]): string {
  const count = (severity: Severity) => diagnostics.filter((each) => each.severity === severity).length;
  const parts = [
    [count('error'), 'error'],
    [count('warning'), 'warning'],
  ] as const;
  const told = parts
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${number} ${word}${number === 1 ? '' : 's'}`);
  return told.length === 0 ? '' : `${told.join(', ')}\n`;
}
