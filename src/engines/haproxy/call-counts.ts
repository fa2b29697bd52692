import { frontendName } from './names.ts';

/** The command of the Runtime API whose answer is read here: frontends and backends, without servers. */
export const countsCommand = 'show stat -1 3 -1';
/** An answer that is longer may not have been written in one go: HAProxy goes on with other work where its buffer is full. */
const answerCharactersMax = 32_000;

/** HAProxy's own counts at one moment. */
export interface CallCounts {
  /** By listener, in the order of the Plan: calls that have begun and whose end isn't counted. */
  readonly open: readonly number[];
  /** Calls that a backend has at the moment. A frontend passes each on at once. */
  readonly inFlight: number;
  /** Connections of clients. */
  readonly connections: number;
  /** Whether all of it is of one moment. */
  readonly isExact: boolean;
}

const answers = ['hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx', 'hrsp_other'];

/**
 * Reads the CSV of `show stat` (management.txt, section 9.1). A frontend counts a request when it is read (`req_tot`), and by its
 * status when it ends (`hrsp_*`; `other` where there was no answer), both also for what is no HTTP. HAProxy sets the status to 0,
 * which is not counted, where it gives a call up without a word and without a line, and where the client leaves after an interim
 * answer; that has its line. Undefined: not such an answer.
 */
export function readCounts(text: string, listeners: number): CallCounts | undefined {
  const [head = '', ...lines] = text.split('\n');
  const columns = new Map(
    head
      .replace(/^# /, '')
      .split(',')
      .map((name, index) => [name, index]),
  );
  const rows = lines.map((line) => line.split(','));
  const textOf = (row: readonly string[], name: string): string => row[columns.get(name) ?? -1] ?? '';
  const sum = (row: readonly string[], names: readonly string[]): number =>
    names.reduce((total, name) => total + Number(textOf(row, name)), 0);
  const frontends = Array.from({ length: listeners }, (_, index) =>
    rows.find((row) => textOf(row, 'pxname') === frontendName(index + 1) && textOf(row, 'svname') === 'FRONTEND'),
  );
  const found = frontends.filter((row) => row !== undefined);
  if (found.length < listeners) return undefined;
  const backends = rows.filter((row) => textOf(row, 'svname') === 'BACKEND' && textOf(row, 'mode') === 'http');
  const counts = {
    open: found.map((row) => sum(row, ['req_tot']) - sum(row, answers)),
    inFlight: backends.reduce((total, row) => total + sum(row, ['scur']), 0),
    connections: found.reduce((total, row) => total + sum(row, ['scur']), 0),
    isExact: text.length <= answerCharactersMax,
  };
  return [...counts.open, counts.inFlight, counts.connections].every(Number.isSafeInteger) ? counts : undefined;
}

/** Streams that no backend has, by the text of `show sess`: what waits in a frontend, or is refused there while the refusal leaves. */
export function strayStreams(text: string): number {
  const streams = text.split('\n').filter((line) => line.includes(` fe=${frontendName(1).slice(0, -1)}`));
  return streams.filter((line) => line.includes(' be=<NONE> ')).length;
}
