import type { RuntimeApi } from './runtime-api.ts';

/** One row of `show stat` (management.txt, section 9.1). */
export interface StatRow {
  readonly proxy: string;
  readonly server: string;
  /** Sessions now, and ever. */
  readonly current: number;
  readonly total: number;
  /** Connections that could not be had, answers that could not be used, tries on the same server, and on others. */
  readonly connectFaults: number;
  readonly answerFaults: number;
  readonly retries: number;
  readonly redispatches: number;
  /** Answers, by the first digit of their status; 0: others. */
  readonly answers: readonly number[];
}

const answerColumns = ['hrsp_other', 'hrsp_1xx', 'hrsp_2xx', 'hrsp_3xx', 'hrsp_4xx', 'hrsp_5xx'];

/** Servers that HAProxy knows, with its counts. A process that has gone has none. */
export async function serverRows(api: RuntimeApi): Promise<StatRow[]> {
  return readRows(await api.ask('show stat -1 4 -1').catch(() => ''));
}

/** Backends, each a row. */
export async function backendRows(api: RuntimeApi): Promise<StatRow[]> {
  return readRows(await api.ask('show stat -1 2 -1').catch(() => ''));
}

export function readRows(text: string): StatRow[] {
  const [head = '', ...lines] = text.split('\n');
  const names = head.replace(/^# /, '').split(',');
  const at = new Map(names.map((name, index) => [name, index]));
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const cells = line.split(',');
      const textOf = (name: string): string => cells[at.get(name) ?? -1] ?? '';
      const count = (name: string): number => Number(textOf(name));
      return {
        proxy: textOf('pxname'),
        server: textOf('svname'),
        current: count('scur'),
        total: count('stot'),
        connectFaults: count('econ'),
        answerFaults: count('eresp'),
        retries: count('wretr'),
        redispatches: count('wredis'),
        answers: answerColumns.map(count),
      };
    });
}
