import type { UnrecordedCalls } from './types.ts';

/**
 * What an operator reads of calls that left no line: `1 call on listener public ended between 12:00:01.000 and 12:00:03.000 without
 * a line: a replica closed the connection without answering`. Names come from the environment file, none from a caller.
 */
export function unrecordedText(calls: UnrecordedCalls): string {
  const { cause, engine, worker } = calls;
  const process = `${engine} ${worker}`;
  const between = `between ${clockText(calls.sinceMs)} and ${clockText(calls.untilMs)}`;
  switch (cause) {
    case 'no-answer':
      return `${counted(calls)} ended ${between} without a line: a replica closed the connection without answering`;
    case 'cut':
      return `${counted(calls)} may have left no line ${between}: under way when ${process} was ended`;
    case 'killed':
      return `${process} went down ${between}: which calls ended then without a line can't be known`;
    default:
      return cause satisfies never;
  }
}

function counted({ calls, listeners }: UnrecordedCalls): string {
  return `${calls} ${calls === 1 ? 'call' : 'calls'} on listener ${listeners.join(' or ')}`;
}

function clockText(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(11, 23);
}
