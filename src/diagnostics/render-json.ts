import { codes } from './codes.ts';
import type { Diagnostic } from './types.ts';

/** Diagnostics for programs: an array, indented, each with the title of its code; a newline at the end. */
export function renderJson(diagnostics: readonly Diagnostic[]): string {
  const rows: Readonly<Record<string, { readonly title: string }>> = codes;
  const list = diagnostics.map(({ code, severity, message, span, hint, notes }) => ({
    code,
    severity,
    title: rows[code]?.title,
    message,
    span,
    hint,
    notes,
  }));
  return `${JSON.stringify(list, null, 2)}\n`;
}
