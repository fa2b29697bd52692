import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { ConditionReads, Plan } from '../plan/types.ts';
import { permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import { createGate, type GateOptions, type QueueOf } from './gate.ts';
import { type GateKeys, loadGateKeys } from './keys.ts';
import type { Gate, GateRequest } from './types.ts';

const nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs };
const reads: ConditionReads = { headers: [], address: false, time: false, queue: true };
const calm = testRule({ when: { cel: 'queue.waiting < 10', reads } });
const plan = testPlan({ rules: [calm], reads: { scoring: reads } });

const request: GateRequest = {
  id: 'r-1',
  listener: 'public',
  method: 'POST',
  target: '/v1/models/m:predict',
  authority: 'localhost:8080',
  headers: ['Host', 'localhost:8080'],
  address: '192.0.2.7',
};

let folder: string;
let keys: GateKeys;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-gate-'));
  keys = await loadGateKeys(folder, clock);
});
after(() => rm(folder, { recursive: true }));

function gate(of: Plan, more: Partial<GateOptions> = {}): Gate {
  return createGate({ plan: of, keys, clock, ...more });
}

describe('a gate and queues', () => {
  test('what the queue holds at that moment decides, and is kept for a second at most', async () => {
    let waiting = 0;
    const asked: (string | undefined)[][] = [];
    const queueOf: QueueOf = (service, model) => {
      asked.push([service, model]);
      return { waiting, inFlight: 1 };
    };
    const one = gate(plan, { queueOf });
    const first = await one.check(request);
    assert.ok(first.kind === 'permit');
    assert.equal(first.fields.keepUntilMs, nowMs + refusalKeptMsMax);
    waiting = 10;
    const second = await one.check(request);
    assert.equal(second.kind, 'denial');
    assert.deepEqual(asked, [
      ['scoring', 'm'],
      ['scoring', 'm'],
    ]);
  });

  test('without anybody who counts, an allow that reads a queue does not match', async () => {
    for (const more of [{}, { queueOf: () => undefined }]) {
      const answer = await gate(plan, more).check(request);
      assert.ok(answer.kind === 'denial');
      assert.equal(answer.reason, 'credential-missing');
    }
  });

  test('who counts stays the same under the next Plan; nobody is asked where no condition reads it', async () => {
    let asked = 0;
    const queueOf: QueueOf = () => {
      asked += 1;
      return { waiting: 0, inFlight: 0 };
    };
    const unread = gate(testPlan({ rules: [testRule({})], reads: {} }), { queueOf });
    const plain = await unread.check(request);
    assert.ok(plain.kind === 'permit');
    assert.deepEqual([plain.fields.keepUntilMs, asked], [nowMs + permitKeptMsMax, 0]);
    const next = await gate(plan, { previous: unread }).check(request);
    assert.deepEqual([next.kind, asked], ['permit', 1]);
  });
});
