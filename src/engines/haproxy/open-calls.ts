import { backends } from './names.ts';
import { openNumbers } from './stream-tracking.ts';

/** An open call, as HAProxy's table has it. */
export interface OpenCall {
  readonly requestId: string;
  readonly address: string;
  /** A well-formed `traceparent`, or nothing. */
  readonly trace: string;
  /** Number of its permit; 0: it was refused, and its client doesn't end it. */
  readonly permit: number;
  /** The second in which it was let through, since the epoch; 0: of one that was refused. */
  readonly second: number;
}

/** What is open; and what takes out what isn't any more. */
export const openCommand = `show table ${backends.open} data.conn_cur gt 0`;
export const clearCommand = `clear table ${backends.open} data.conn_cur eq 0`;

const { permit, second } = openNumbers;
const entry = new RegExp(
  `^0x[0-9a-f]+: key=([^/\\s]+)/?([^/\\s]*)/?(\\S*) .*\\bgpt${permit}=(\\d+) gpt${second}=(\\d+)`,
  'gm',
);

/** From the answer to `openCommand`. Undefined: it is none. */
export function readOpenCalls(text: string): OpenCall[] | undefined {
  if (!text.startsWith(`# table: ${backends.open},`)) return undefined;
  return [...text.matchAll(entry)].map(([, requestId = '', address = '', trace = '', number, since]) => ({
    requestId,
    address,
    trace,
    permit: Number(number),
    second: Number(since),
  }));
}

/** A stream of HAProxy's. */
export interface RunningStream {
  /** By which the Runtime API ends it. */
  readonly pointer: string;
  /** Counts requests: what a request's id ends in. */
  readonly counter: number;
  /** Bytes from the client, and to it, as its line will have them. */
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export const streamsCommand = 'show sess all';

const head = /^(0x[0-9a-f]+): \[.*\] id=(\d+) proto=/;
const total = (channel: 'req' | 'res'): RegExp => new RegExp(`^  ${channel}=0x.* total=(\\d+)\\)`, 'm');
const [inTotal, outTotal] = [total('req'), total('res')];

/** From the answer to `streamsCommand`: those of calls. HAProxy 2.6's form, which it says may change; what can't be read is left out. */
export function readStreams(text: string): RunningStream[] {
  return text.split(/\n(?=0x)/).flatMap((block) => {
    const [, pointer, counter] = head.exec(block) ?? [];
    if (pointer === undefined || !/^ {2}frontend=in\.\d+ /m.test(block)) return [];
    const bytesIn = Number(inTotal.exec(block)?.[1] ?? 0);
    const bytesOut = Number(outTotal.exec(block)?.[1] ?? 0);
    return { pointer, counter: Number(counter), bytesIn, bytesOut };
  });
}

/** The count at the end of a request's id. */
export function counterOf(requestId: string): number {
  return Number(requestId.slice(requestId.lastIndexOf('-') + 1));
}

export const endCommand = (pointer: string): string => `shutdown session ${pointer}`;
