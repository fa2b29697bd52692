import type { Code } from './codes.ts';
import type { Checked, Diagnostic, Severity, Span } from './types.ts';

/** Most diagnostics that one run reports; what lies beyond is counted in a last note. */
export const diagnosticsMax = 200;

export interface ReportOptions {
  readonly span?: Span | undefined;
  readonly hint?: string | undefined;
  readonly notes?: Diagnostic['notes'] | undefined;
  readonly severity?: Severity;
}

/** Collects the diagnostics of one run, bounded. */
export class Report {
  readonly #found: Diagnostic[] = [];
  #beyond = 0;
  #errors = 0;

  /** Adds one, as an error where nothing else is said. */
  add(code: Code, message: string, options: ReportOptions = {}): void {
    this.put({
      code,
      severity: options.severity ?? 'error',
      message,
      ...(options.span && { span: options.span }),
      ...(options.hint && { hint: options.hint }),
      ...(options.notes && { notes: options.notes }),
    });
  }

  put(diagnostic: Diagnostic): void {
    if (diagnostic.severity === 'error') this.#errors += 1;
    if (this.#found.length < diagnosticsMax) this.#found.push(diagnostic);
    else this.#beyond += 1;
  }

  get hasErrors(): boolean {
    return this.#errors > 0;
  }

  /** In the order of the text; those without a place first. */
  diagnostics(): readonly Diagnostic[] {
    const sorted = sortBySpan(this.#found);
    if (this.#beyond === 0) return sorted;
    const message = `${this.#beyond} more not shown`;
    return [...sorted, { code: 'HG1000', severity: 'note', message, hint: 'mend these first' }];
  }

  /** The value where no error stands in the way. */
  checked<T>(value: () => T): Checked<T> {
    return { value: this.hasErrors ? undefined : value(), diagnostics: this.diagnostics() };
  }
}

/** Sorted by file, line and column; stable. */
export function sortBySpan(diagnostics: readonly Diagnostic[]): Diagnostic[] {
  return [...diagnostics].sort((a, b) => {
    if (!a.span || !b.span) return Number(Boolean(a.span)) - Number(Boolean(b.span));
    if (a.span.file !== b.span.file) return a.span.file < b.span.file ? -1 : 1;
    return a.span.line - b.span.line || a.span.column - b.span.column;
  });
}
