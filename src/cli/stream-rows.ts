import type { HeadgateStatus } from '../control/index.ts';
import { printableLine } from '../std/invisible.ts';
import { counted } from './counted.ts';
import { span } from './span.ts';

type Row = [string, string];
type Streams = NonNullable<HeadgateStatus['running']['streams']>;

/** Streams that are named one by one; `--json` has more. */
const shownMax = 10;

/** What is open of which service, and who holds the oldest; and what the audit has no end of. */
export function streamRows({ running: { streams }, audit }: HeadgateStatus, nowMs: number): Row[] {
  return [
    ...(streams === undefined ? [] : openRows(streams, nowMs)),
    ...unclosedRows(audit.unclosed, streams?.open ?? 0),
  ];
}

function openRows({ open, byService, oldest }: Streams, nowMs: number): Row[] {
  const services = Object.entries(byService).map(([service, number]): Row => {
    const first = oldest.find((stream) => stream.service === service);
    const since = first === undefined ? '' : `, the oldest since ${span(nowMs - first.sinceMs)}`;
    return [`streams ${service}`, `${number} open${since}`];
  });
  const shown = oldest.slice(0, shownMax);
  const more = open - shown.length;
  return [
    ...services,
    ...shown.map((stream): Row => ['', streamText(stream, nowMs)]),
    ...(more > 0 && shown.length > 0 ? [['', `and ${counted(more, 'other')}`] satisfies Row] : []),
  ];
}

function streamText(stream: Streams['oldest'][number], nowMs: number): string {
  const { requestId, method, caller, sinceMs, messagesIn, messagesOut, bytesIn, bytesOut } = stream;
  const parts = [
    `${caller ?? 'someone unknown'}: ${method} since ${span(nowMs - sinceMs)}`,
    ...bothWays(messagesIn, messagesOut, (number) => counted(number, 'message')),
    ...bothWays(bytesIn, bytesOut, (number) => counted(number, 'byte')),
    `request ${requestId}`,
  ];
  return printableLine(parts.join(', '));
}

/** Undefined: the engine can't tell while the call is open. */
function bothWays(into: number | undefined, out: number | undefined, text: (number: number) => string): string[] {
  return into === undefined || out === undefined ? [] : [`${text(into)} in and ${text(out)} out`];
}

/** A moment lies between an end and its record. */
function unclosedRows(unclosed: number, open: number): Row[] {
  const more = unclosed - open;
  if (more <= 0) return [];
  const what = `the end of ${counted(more, 'more call')} is not recorded`;
  return [['not closed', `${what}: the process went down, or the record is to come`]];
}
