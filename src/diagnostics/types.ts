/** A place in a text that a person wrote. Lines and columns count from 1; the end is exclusive. */
export interface Span {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endLine: number;
  readonly endColumn: number;
}

export type Severity = 'error' | 'warning' | 'note';

/** One mistake of an author, or one thing that an engine can't do. Returned, never thrown; all of a run together. */
export interface Diagnostic {
  /** Stable, never reused: `HG` and four digits. Registered in `codes.ts`. */
  readonly code: string;
  readonly severity: Severity;
  /** One sentence, no full stop, lower case start where it isn't a name. */
  readonly message: string;
  readonly span?: Span;
  /** What to write instead. */
  readonly hint?: string;
  /** Further places or facts. */
  readonly notes?: readonly { readonly message: string; readonly span?: Span }[];
}

/** A value, and what was found wrong on the way to it. There is no value where an error stands in the way. */
export interface Checked<T> {
  readonly value: T | undefined;
  readonly diagnostics: readonly Diagnostic[];
}
