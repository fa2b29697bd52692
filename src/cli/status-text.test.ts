import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { HeadgateStatus, ReplicaStatus } from '../control/index.ts';
import { statusText } from './status-text.ts';

const nowMs = Date.parse('2026-11-21T12:00:00Z');
const ago = (seconds: number): string => new Date(nowMs - seconds * 1000).toISOString();
const well = { waitsFor: [], waits: 0, unasked: 0, without: 0 };

const replicas: readonly ReplicaStatus[] = [
  { service: 'scoring', address: '10.0.0.1:8501', grpc: '10.0.0.1:8500', state: 'up', since: ago(7320), ...well },
  {
    ...{ service: 'scoring', address: '10.0.0.2:8501', grpc: '10.0.0.2:8500', state: 'up', since: ago(40) },
    waitsFor: [
      { what: 'finance-prod/4', since: ago(12), loading: true },
      { what: 'finance-credit', since: ago(3), loading: false },
    ],
    ...{ waits: 14, unasked: 1, without: 30 },
  },
  { service: 'scoring', address: '10.0.0.3:8501', state: 'down', since: ago(95), why: 'connection refused', ...well },
  { service: 'scoring', address: '10.0.0.4:8501', state: 'unknown', since: ago(1), ...well, unasked: 3 },
  { service: 'plain', address: '127.0.0.1:8501', state: 'unchecked', ...well },
];

const endpoints = replicas.slice(0, 4).map(({ service, address }, index) => ({
  ...{ service, address, inFlight: index === 0 ? 3 : 0 },
  ...(index === 1 && { isEjected: true }),
}));

const watch = { service: 'orders', method: 'acme.orders.v1.Orders/Watch', caller: 'ann' };
const counts = { bytesIn: 5, bytesOut: 90_210, messagesIn: 1, messagesOut: 4711 };
const streams: HeadgateStatus['running']['streams'] = {
  open: 214,
  byService: { orders: 213, chat: 1 },
  oldest: [
    { ...watch, ...counts, requestId: 'w1-3', sinceMs: nowMs - 7_320_000 },
    { service: 'chat', method: 'acme.Chat/Talk', caller: null, requestId: 'w1-4', sinceMs: nowMs - 61_000 },
    { ...watch, caller: 'bob\u001b[2K', requestId: 'w2-9', sinceMs: nowMs - 12_000, bytesIn: 1, bytesOut: 0 },
  ],
};

const status: HeadgateStatus = {
  version: '0.1.0',
  environment: 'prod',
  engine: 'embedded',
  epoch: '0123456789abcdef',
  policyFile: 'headgate.yaml',
  environmentFile: 'environments/prod.yaml',
  filesRead: '00',
  pid: 4711,
  ready: true,
  startedAt: ago(7325),
  listeners: { public: { host: '0.0.0.0', port: 8443 } },
  certificates: [],
  versions: { 'scoring/finance-prod': [{ name: 'stable', number: 4 }] },
  audit: {
    ...{
      state: 'ok',
      position: 1200,
      unreadable: 0,
      unclosed: 216,
      behindBytes: 0,
      lagMs: 0,
      directory: 'var/audit',
      record: 'required',
    },
  },
  keys: { state: 'none' },
  replicas: {
    replicas,
    names: [
      { name: 'models.internal', addresses: ['10.0.0.1', '10.0.0.2'], fault: 'ESERVFAIL', since: ago(62) },
      { name: 'other.internal', addresses: ['10.0.1.1'] },
    ],
  },
  running: {
    processes: [{ role: 'worker 0', pid: 4711, epoch: '0123456789abcdef' }],
    keptDecisions: 12,
    endpoints,
    issuers: [],
    streams,
  },
};

test('the text of a status is the golden', () => {
  const golden = join(import.meta.dirname, 'goldens/status.txt');
  const shown = statusText(status, nowMs);
  if (process.env.HEADGATE_UPDATE_GOLDENS === '1') writeFileSync(golden, shown);
  assert.equal(shown, readFileSync(golden, 'utf8'), 'run with HEADGATE_UPDATE_GOLDENS=1 and read the diff');
});
