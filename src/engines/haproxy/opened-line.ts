import type { OpenedCall, SpoolReader } from '../../audit/types.ts';
import type { CoreBooks } from './core-book.ts';

/**
 * A call that is open still: fields between tabs, in this order and no more, behind the form's name.
 *
 *     o1  worker  listener  counter  timeMs  address  trace  core
 *
 * `worker`, `listener` (its index, from 1), `counter` (%rt), `timeMs` (when the call came in), `address` and `trace` (`-`: none) as in
 * the line that closes it (log-format.ts); `core`: the number of its permit's core, asked or kept. Written once a call, after the 2 s.
 */
export const openedForm = 'o1';

export interface OpenedFields {
  readonly worker: string;
  readonly listener: number;
  readonly counter: number;
  readonly timeMs: number;
  readonly address: string;
  /** As the client sent it; else `-`. */
  readonly trace: string;
  readonly core: number;
}

/** One such line, newline and all. */
export function openedLogLine({ worker, listener, counter, timeMs, address, trace, core }: OpenedFields): string {
  return `${[openedForm, worker, listener, counter, timeMs, address, trace, core].join('\t')}\n`;
}

const number = '\\d{1,15}';
const lineForm = new RegExp(
  `^${openedForm}\t([\\w.-]{1,64})\t(\\d{1,5})\t(${number})\t([1-9]\\d{0,14})\t([\\w.:%-]{0,64})\t(-?|[0-9a-f-]{55})\t(${number})$`,
);
/** W3C Trace Context: version 00, neither id all zeros. */
const traceparent = /^00-(?!0{32})([0-9a-f]{32})-((?!0{16})[0-9a-f]{16}-[0-9a-f]{2})$/;

/** Reads such a line; cores are found in `books`. */
export function readOpenedLine(
  line: string,
  books: CoreBooks,
): { readonly opened: OpenedCall } | { readonly unreadable: string } {
  const match = lineForm.exec(line);
  if (match === null) return { unreadable: `not a line of the form ${openedForm}` };
  const [, worker = '', listener, counter, timeMs, address = '', trace = '', core] = match;
  const found = books.of(worker).at(Number(core));
  if (found === undefined) return { unreadable: `core ${core} of ${worker} is not written down` };
  const [, traceId, span] = traceparent.exec(trace) ?? [];
  const opened = {
    requestId: `${worker}-${counter}`,
    timeMs: Number(timeMs),
    worker: `${worker}.${listener}`,
    engine: 'haproxy',
    address: address.startsWith('::ffff:') ? address.slice(7) : address,
    core: { traceId: traceId ?? null, ...(span !== undefined && { span }), ...found.core },
  };
  return { opened };
}

/** A reader that knows these lines besides those of `read`. */
export function withOpened(read: SpoolReader, books: CoreBooks): SpoolReader {
  const start = `${openedForm}\t`;
  const whole: SpoolReader = (line) => (line.startsWith(start) ? readOpenedLine(line, books) : read(line));
  return read.plain === undefined ? whole : Object.assign(whole, { plain: read.plain });
}
