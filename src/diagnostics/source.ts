import type { Span } from './types.ts';

/** A text that a person wrote, able to say where in it an offset stands. Offsets and columns count UTF-16 code units. */
export class Source {
  readonly file: string;
  readonly text: string;
  readonly #lineStarts: readonly number[];

  constructor(file: string, text: string) {
    this.file = file;
    this.text = text;
    this.#lineStarts = lineStarts(text);
  }

  /** The place of the characters from `start` up to, not including, `end`. Offsets beyond the text are brought back to its end. */
  span(start: number, end: number): Span {
    const first = this.#place(start);
    const last = this.#place(Math.max(start, end));
    return { file: this.file, line: first.line, column: first.column, endLine: last.line, endColumn: last.column };
  }

  #place(offset: number): { line: number; column: number } {
    const bounded = Math.min(Math.max(offset, 0), this.text.length);
    let low = 0;
    let high = this.#lineStarts.length;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#lineStarts[middle] ?? 0) <= bounded) low = middle;
      else high = middle;
    }
    return { line: low + 1, column: bounded - (this.#lineStarts[low] ?? 0) + 1 };
  }
}

function lineStarts(text: string): number[] {
  const starts = [0];
  for (let at = text.indexOf('\n'); at !== -1; at = text.indexOf('\n', at + 1)) starts.push(at + 1);
  return starts;
}
