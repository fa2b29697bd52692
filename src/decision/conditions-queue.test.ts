import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { ConditionPlan, RulePlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { checkCel } from './cel.ts';
import { createDecider } from './decider.ts';
import type { QueueFacts } from './types.ts';

const operation: Operation = {
  service: 'scoring',
  protocol: 'tensorflow-serving',
  name: 'predict',
  action: 'predict',
  resource: ['m'],
  model: 'm',
  safe: true,
};

function condition(cel: string): ConditionPlan {
  const checked = checkCel(cel);
  assert.ok('reads' in checked, JSON.stringify(checked));
  return { cel, reads: checked.reads };
}

function decide(rules: readonly RulePlan[], queue: QueueFacts | undefined) {
  const plan = testPlan({ rules });
  const facts = { listener: 'public', method: 'POST', path: '/', host: '', address: '127.0.0.1', nowMs: 0, queue };
  return createDecider(plan.access).decide(operation, undefined, { ...facts, header: () => undefined });
}

const calm = testRule({ callers: { kind: 'anyone' }, when: condition('queue.waiting < 10 && queue.inFlight < 50') });
const full = testRule({ effect: 'deny', callers: { kind: 'anyone' }, when: condition('queue.waiting >= 10') });
const anyone = testRule({ index: 1, callers: { kind: 'anyone' } });

describe('conditions on a queue', () => {
  test('compare whole numbers', () => {
    assert.equal(decide([calm], { waiting: 9, inFlight: 49 }).outcome, 'allow');
    assert.equal(decide([calm], { waiting: 10, inFlight: 49 }).outcome, 'deny');
    assert.equal(decide([calm], { waiting: 9, inFlight: 50 }).outcome, 'deny');
    assert.equal(decide([full, anyone], { waiting: 9, inFlight: 0 }).outcome, 'allow');
  });

  test('a queue that nobody counts is an error: an allow does not match, a deny does', () => {
    assert.equal(decide([calm], undefined).reason, 'no-rule-allows');
    assert.equal(decide([full, anyone], undefined).reason, 'rule-denies');
    for (const waiting of [Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
      assert.equal(decide([calm], { waiting, inFlight: 0 }).outcome, 'deny', String(waiting));
    }
  });

  test('the answer says that it hangs on a queue, whatever came of it', () => {
    const queue = { waiting: 0, inFlight: 0 };
    assert.deepEqual(
      [decide([calm], queue), decide([calm], undefined), decide([full, anyone], queue), decide([anyone], queue)].map(
        ({ readsQueue, readsTime }) => [readsQueue, readsTime],
      ),
      [
        [true, false],
        [true, false],
        [true, false],
        [false, false],
      ],
    );
    const both = testRule({ ...calm, when: condition('queue.waiting < 10 && request.time.getHours("UTC") < 24') });
    const { readsQueue, readsTime } = decide([both], queue);
    assert.deepEqual([readsQueue, readsTime], [true, true]);
  });
});

test('what reads a queue is known, and its types are checked', () => {
  const reads = { headers: [], address: false, time: false, queue: true };
  for (const cel of ['queue.waiting == 0', 'queue.inFlight > 3', 'queue.waiting + queue.inFlight < 10 || action == ""'])
    assert.deepEqual(checkCel(cel), { reads });
  const faults: readonly (readonly [string, RegExp])[] = [
    ['queue.waiting == "0"', /no such overload/],
    ['queue.waiting', /true or false, this one is of type int/],
    ['queue.depth > 3', /queue has no field depth/],
    ['queue == queue', /queue is read by its fields/],
    ['caller.groups.exists(queue, queue == "a")', /queue has a meaning already/],
  ];
  for (const [cel, message] of faults) {
    const checked = checkCel(cel);
    assert.match('faults' in checked ? (checked.faults[0]?.message ?? '') : '', message, cel);
  }
});
