import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { readSamples } from '../telemetry/index.ts';
import { type Look, type TopStatus, topFigures } from './top-figures.ts';
import { type FrameOptions, topFrame } from './top-frame.ts';
import { frameText } from './top-screen.ts';

const goldens = join(import.meta.dirname, 'goldens/top');
const startMs = Date.parse('2026-11-21T10:00:00Z');
const nowMs = startMs + 200_000;
const status: TopStatus = {
  version: '0.1.0',
  environment: 'dev',
  engine: 'haproxy',
  epoch: '26fb013865207945',
  ready: true,
  startedAt: '2026-11-21T10:00:00.000Z',
  audit: { state: 'ok' },
};
const plain: FrameOptions = { columns: 100, rows: 40, seconds: 2, nowMs };

interface Calls {
  readonly labels: string;
  readonly outcome: string;
  readonly status: string;
  readonly count: number;
  /** How many took 5 ms at most, and how many a second. */
  readonly buckets?: readonly [number, number];
}

/** A page on which these calls were counted. */
function pageOf(calls: readonly Calls[], rest: readonly string[] = []): string {
  const lines = calls.flatMap(({ labels, outcome, status: code, count, buckets }) => [
    `headgate_requests_total{${labels},status="${code}",outcome="${outcome}"} ${count}`,
    ...(buckets === undefined
      ? []
      : [
          `headgate_request_duration_seconds_bucket{le="0.001",${labels},outcome="${outcome}"} 0`,
          `headgate_request_duration_seconds_bucket{le="0.005",${labels},outcome="${outcome}"} ${buckets[0]}`,
          `headgate_request_duration_seconds_bucket{le="1",${labels},outcome="${outcome}"} ${buckets[1]}`,
          `headgate_request_duration_seconds_bucket{le="+Inf",${labels},outcome="${outcome}"} ${count}`,
        ]),
  ]);
  return [...lines, ...rest].join('\n');
}

function look(page: string, atMs: number, change: Partial<TopStatus> = {}): Look {
  return { atMs, samples: readSamples(page), status: { ...status, ...change } };
}

const of = (model: string, version = '', service = 'scoring'): string =>
  `service="${service}",model="${model}",version="${version}",operation="predict"`;

const busyRest = (turn: number): string[] => [
  `headgate_decisions_total{outcome="deny",reason="no-rule-allows",rule=""} ${40 + 30 * turn}`,
  `headgate_decisions_total{outcome="deny",reason="limit-exceeded",rule="scientists \\"try\\" models"} ${7 + turn}`,
  `headgate_decisions_total{outcome="deny",reason="credential-expired",rule=""} 3`,
  'headgate_grpc_open_streams{service="orders"} 214',
  `headgate_grpc_messages_total{service="orders",method="acme.Orders/Watch",direction="in"} ${5 + turn}`,
  `headgate_grpc_messages_total{service="orders",method="acme.Orders/Watch",direction="out"} ${9000 + 4711 * turn}`,
  'headgate_queue_waiting{service="scoring",model=""} 12',
  'headgate_queue_in_flight{service="scoring",model=""} 64',
  'headgate_queue_waiting{service="scoring",model="finance-prod"} 3',
  'headgate_queue_in_flight{service="scoring",model="finance-prod"} 8',
  ...['up', 'ejected', 'down'].flatMap((state, index) => [
    ...['up', 'ejected', 'down'].map(
      (each) =>
        `headgate_endpoint_state{service="scoring",endpoint="127.0.0.1:85${index}1",state="${each}"} ${each === state ? 1 : 0}`,
    ),
    `headgate_endpoint_in_flight{service="scoring",endpoint="127.0.0.1:85${index}1"} ${index === 0 ? 64 : 0}`,
  ]),
  'headgate_endpoint_versions_awaited{service="scoring",endpoint="127.0.0.1:8521"} 2',
  'headgate_audit_lag_seconds 0.031',
  'headgate_kept_decisions 1234',
  `headgate_gate_questions_total ${900 + 12 * turn}`,
  `headgate_process_cpu_seconds_total ${30 + 0.7 * turn}`,
];

const busy = (turn: number): string =>
  pageOf(
    [
      {
        labels: of('finance-prod', '3'),
        outcome: 'allow',
        status: '200',
        count: 5000 + 2400 * turn,
        buckets: [4000 + 1800 * turn, 5000 + 2400 * turn],
      },
      {
        labels: of('finance-prod', '4'),
        outcome: 'allow',
        status: '200',
        count: 300 + 120 * turn,
        buckets: [0, 300 + 90 * turn],
      },
      { labels: of('finance-prod', '4'), outcome: 'deny', status: '503', count: 5 + 3 * turn },
      { labels: of('dialogue'), outcome: 'deny', status: '403', count: 40 + 30 * turn },
      { labels: of('', '', ''), outcome: 'deny', status: '401', count: 3 },
    ],
    busyRest(turn),
  );

const quiet = pageOf(
  [],
  ['headgate_audit_lag_seconds 0', 'headgate_kept_decisions 0', 'headgate_process_cpu_seconds_total 2'],
);

const many = (turn: number): string =>
  pageOf(
    Array.from({ length: 50 }, (_, index) => {
      const count = index * 10 * turn;
      return {
        labels: of(`model-${index}`, '1'),
        outcome: 'allow',
        status: '200',
        count,
        buckets: [count, count] as const,
      };
    }),
    busyRest(turn),
  );

const frames: Readonly<
  Record<string, () => { readonly before: Look; readonly now: Look; readonly options: FrameOptions }>
> = {
  busy: () => ({ before: look(busy(0), nowMs - 2000), now: look(busy(1), nowMs), options: plain }),
  quiet: () => ({ before: look(quiet, nowMs - 2000), now: look(quiet, nowMs), options: plain }),
  narrow: () => ({
    before: look(busy(0), nowMs - 2000),
    now: look(busy(1), nowMs),
    options: { ...plain, columns: 48, rows: 14, keys: 'q or Ctrl-C ends' },
  }),
  many: () => ({
    before: look(many(0), nowMs - 2000),
    now: look(many(1), nowMs),
    options: { ...plain, rows: 24, keys: 'q or Ctrl-C ends' },
  }),
  'started anew': () => ({ before: look(busy(5), nowMs - 2000), now: look(busy(0), nowMs), options: plain }),
  troubled: () => {
    const reload = { outcome: 'rejected', message: 'the files have errors' } as const;
    const audit = { state: 'failing', reason: 'ENOSPC' } as const;
    const change = { ready: false, reason: 'admission is shut: the audit fails', reload, audit };
    const fault = 'headgate: no answer from the admin address 127.0.0.1:9900: ECONNREFUSED';
    return { before: look(quiet, nowMs - 2000), now: look(quiet, nowMs, change), options: { ...plain, fault } };
  },
};

for (const [name, make] of Object.entries(frames)) {
  test(`a frame: ${name}`, () => {
    const { before, now, options } = make();
    const lines = topFrame(topFigures(before, now), now.status, options);
    assert.ok(lines.length <= options.rows);
    assert.ok(lines.every(({ text }) => [...text].length <= options.columns));
    const shown = `${lines.map(({ text, tone }) => `${(tone ?? '').padEnd(6)}|${text}`).join('\n')}\n`;
    const golden = join(goldens, `${name.replaceAll(' ', '-')}.txt`);
    if (process.env.HEADGATE_UPDATE_GOLDENS === '1') {
      mkdirSync(goldens, { recursive: true });
      writeFileSync(golden, shown);
    }
    assert.equal(shown, readFileSync(golden, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
  });
}

test('no label can move the cursor, and colour is only where it is wanted', () => {
  const page = pageOf([{ labels: of('\u001b[2J\u0007'), outcome: 'allow', status: '200', count: 1 }]);
  const [before, now] = [look('', nowMs - 1000), look(page, nowMs)];
  const lines = topFrame(topFigures(before, now), now.status, plain);
  assert.ok(lines.every(({ text }) => !/\p{Cc}/u.test(text)));
  const painted = frameText([{ text: 'a', tone: 'bad' }, { text: 'b' }], true).replaceAll('\u001b', '<');
  assert.equal(painted, '<[H<[31ma<[0m<[K\r\nb<[K<[J');
  assert.equal(frameText([{ text: 'a', tone: 'bad' }], false).replaceAll('\u001b', '<'), '<[Ha<[K<[J');
});
