import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ReplicaNews } from './replica-news.ts';

const at = { service: 'scoring', replica: '10.0.0.1:8501' };

test('a thousand models that load are a few lines', () => {
  const lines: string[] = [];
  const news = new ReplicaNews((line) => lines.push(line));
  news.tell([{ kind: 'up', ...at }]);
  for (let turn = 0; turn < 1000; turn += 1) news.tell([{ kind: 'waiting', ...at, what: `m${turn}/1` }]);
  news.tell([
    { kind: 'ready', ...at, what: 'm0/1' },
    { kind: 'down', ...at, what: 'connection refused' },
  ]);
  news.stop();
  assert.deepEqual(lines, [
    'scoring: replica 10.0.0.1:8501 is up',
    'scoring: replica 10.0.0.1:8501 waits for m0/1',
    'scoring: replica 10.0.0.1:8501 has m0/1',
    'scoring: replica 10.0.0.1:8501 is down: connection refused',
    'scoring: replica 10.0.0.1:8501 waits for m1/1, m2/1, m3/1, m4/1, m5/1 and 994 more',
  ]);
});
