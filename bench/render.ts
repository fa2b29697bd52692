import type { Figure } from './figures.ts';

const columns = ['figure', 'ratio', 'goal', 'low', 'high', 'runs', ''] as const;

/** The figures as a table for people. */
export function renderFigures(figures: readonly Figure[]): string {
  const rows = [[...columns], ...figures.map(rowOf)];
  const widths = columns.map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, at) => pad(cell, { at, width: widths[at] ?? 0 }))
      .join('  ')
      .trimEnd(),
  );
  return `${lines.join('\n')}\n`;
}

function rowOf({ name, ratio, goal, low, high, runs }: Figure): string[] {
  const verdict = goal === null ? '' : ratio >= goal ? 'met' : 'below';
  return [name, ratio.toFixed(2), goal?.toFixed(2) ?? '–', low.toFixed(2), high.toFixed(2), String(runs), verdict];
}

function pad(cell: string, { at, width }: { readonly at: number; readonly width: number }): string {
  return at === 0 ? cell.padEnd(width) : cell.padStart(width);
}
