import type { Diagnostic } from '../diagnostics/index.ts';

/** Lines of a difference that are shown. */
const shownMax = 12;

export interface LockDifference {
  readonly lockFile: string;
  /** undefined: there is no lock. */
  readonly written: string | undefined;
  readonly expected: string;
}

/** Says that a lock is stale, with the first lines that differ; undefined: it is not. */
export function lockDifference({ lockFile, written, expected }: LockDifference): Diagnostic | undefined {
  if (written === expected) return undefined;
  const hint = 'run `headgate check --lock`, read its diff, and commit it with the policy';
  if (written === undefined) return { code: 'HG2080', severity: 'error', message: `there is no ${lockFile}`, hint };
  const [is, shouldBe] = [linesOf(written), linesOf(expected)];
  const [had, has] = [new Set(is), new Set(shouldBe)];
  const first = is.findIndex((line, index) => line !== shouldBe[index]);
  const line = (first < 0 ? is.length - 1 : first) + 1;
  const differing = [
    ...is.filter((each) => !has.has(each)).map((each) => `- ${each}`),
    ...shouldBe.filter((each) => !had.has(each)).map((each) => `+ ${each}`),
  ];
  const shown = differing.slice(0, shownMax);
  const rest = differing.length - shown.length;
  const notes = [...shown, ...(rest > 0 ? [`and ${rest} more lines`] : [])].map((message) => ({ message }));
  const span = { file: lockFile, line, column: 1, endLine: line, endColumn: (is[line - 1] ?? '').length + 1 };
  const message = 'the policy gives other access than this lock says';
  return { code: 'HG2080', severity: 'error', message, span, hint, ...(notes.length > 0 && { notes }) };
}

function linesOf(text: string): readonly string[] {
  return text.replace(/\n$/, '').split('\n');
}
