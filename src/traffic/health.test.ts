import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Check, HealthBook, type HealthTarget, waitingChecksPerSecondMax } from './health.ts';
import type { Found } from './replica-health.ts';

const health = { everyMs: 2000, rise: 2, fall: 3 };
const states = (found: Record<string, string>): Found => ({ kind: 'states', states: new Map(Object.entries(found)) });
const available = states({ 1: 'AVAILABLE' });
const refused: Found = { kind: 'failed', why: 'connection refused', isGone: true };
const silent: Found = { kind: 'failed', why: 'no answer within 2 s', isGone: false };

function targetOf(models: Record<string, readonly string[]>, replicas: readonly string[] = ['a']): HealthTarget {
  return { service: 's', health, models: new Map(Object.entries(models)), replicas };
}

/** Looks 20 times a second; every check is answered by the next look. */
class Run {
  readonly book = new HealthBook();
  readonly made: { readonly check: Check; readonly atMs: number }[] = [];
  nowMs = 0;
  answer: (check: Check) => Found = () => available;

  for(durationMs: number, isDone: () => boolean = () => false): number {
    const endMs = this.nowMs + durationMs;
    for (; this.nowMs < endMs && !isDone(); this.nowMs += 50) {
      for (const check of this.book.due(this.nowMs)) {
        this.made.push({ check, atMs: this.nowMs });
        this.book.found(check, this.answer(check), this.nowMs);
      }
    }
    return this.nowMs;
  }

  says(): string[] {
    return this.book.takeEvents().map(({ kind, replica, what }) => [replica, kind, what].filter(Boolean).join(' '));
  }

  lacks(replica = 'a'): readonly string[] | 'not up' {
    const state = this.book.stateOf('s', replica);
    return state?.isUp === true ? state.lacks : 'not up';
  }
}

describe('up and down', () => {
  test('up with its first good answer, down after three bad ones, up again after two good ones', () => {
    const run = new Run();
    run.book.take([targetOf({ m: [] })], 0);
    assert.equal(run.lacks(), 'not up');
    run.for(100);
    assert.deepEqual([run.lacks(), run.says()], [[], ['a up']]);
    run.answer = () => silent;
    run.for(5800);
    assert.deepEqual(run.lacks(), [], 'two bad answers');
    run.for(2000);
    assert.deepEqual([run.lacks(), run.says()], ['not up', ['a down no answer within 2 s']]);
    run.answer = () => available;
    run.for(2000);
    assert.equal(run.lacks(), 'not up');
    run.for(2100);
    assert.deepEqual([run.lacks(), run.says()], [[], ['a up']]);
  });

  test('a model that is not there is no fault of the replica', () => {
    const run = new Run();
    run.book.take([targetOf({ m: [], n: [] })], 0);
    run.answer = ({ model }) => (model === 'm' ? available : { kind: 'missing' });
    run.for(20_000);
    // That nobody has it is said after a while.
    assert.deepEqual([run.lacks(), run.says()], [['n'], ['a up', 'a waiting n']]);
  });

  test('nobody listens any more: nothing that it had is counted upon, at once', () => {
    const run = new Run();
    run.book.take([targetOf({ m: [] })], 0);
    run.for(100);
    run.answer = () => refused;
    run.book.doubt('s', 'a', run.nowMs);
    run.for(100);
    assert.deepEqual(run.lacks(), ['m'], 'not down yet, and without its model');
    run.answer = () => states({ 1: 'LOADING' });
    run.for(2100);
    assert.deepEqual([run.lacks(), run.says()], [['m'], ['a up', 'a waiting m']]);
    run.answer = () => available;
    run.for(600);
    assert.deepEqual([run.lacks(), run.says()], [[], ['a ready m']]);
  });

  test('connections that end again and again make one check a second at most', () => {
    const run = new Run();
    run.book.take([targetOf({ m: [] })], 0);
    for (let turn = 0; turn < 200; turn += 1) {
      run.for(50);
      run.book.doubt('s', 'a', run.nowMs);
    }
    assert.ok(run.made.length <= 17, String(run.made.length));
  });
});

describe('versions', () => {
  test('each named version counts by itself', () => {
    const run = new Run();
    run.book.take([targetOf({ m: ['3', '4'] })], 0);
    run.answer = () => states({ 3: 'AVAILABLE', 4: 'LOADING' });
    run.for(100);
    assert.deepEqual([run.lacks(), run.says()], [['m/4'], ['a up', 'a waiting m/4']]);
    const [view] = run.book.view();
    assert.deepEqual(view?.waitsFor, [{ what: 'm/4', sinceMs: 0, isLoading: true }]);
    run.answer = () => states({ 3: 'AVAILABLE', 4: 'AVAILABLE' });
    run.for(600);
    assert.deepEqual([run.lacks(), run.says()], [[], ['a ready m/3, m/4']]);
  });

  test('a version that is bound anew is asked for at once, and waited for', () => {
    const run = new Run();
    run.book.take([targetOf({ m: ['3'], n: [] })], 0);
    run.answer = () => states({ 3: 'AVAILABLE' });
    run.for(500);
    run.book.take([targetOf({ m: ['5'], n: [] })], run.nowMs);
    assert.deepEqual(run.lacks(), ['m/5']);
    run.made.length = 0;
    run.for(100);
    assert.equal(run.made.filter(({ check }) => check.model === 'm').length, 1);
    run.answer = () => states({ 3: 'AVAILABLE', 5: 'AVAILABLE' });
    run.for(600);
    assert.deepEqual(run.lacks(), []);
  });

  test('a model that no replica has is asked for again and again, ever less often', () => {
    const run = new Run();
    const others = Object.fromEntries(Array.from({ length: 100 }, (_, turn) => [`n${turn}`, []]));
    run.book.take([targetOf({ m: [], ...others })], 0);
    run.answer = ({ model }) => (model === 'm' ? { kind: 'missing' } : available);
    run.for(60_000);
    const asked = run.made.filter(({ check }) => check.model === 'm' && !check.isTurn);
    assert.ok(asked.length >= 5 && asked.length <= 12, String(asked.length));
  });
});

describe('1,000 models on 20 replicas', () => {
  const models = Object.fromEntries(Array.from({ length: 1000 }, (_, turn) => [`m${turn}`, []]));
  const replicas = Array.from({ length: 20 }, (_, turn) => `r${turn}`);
  const minuteMs = 60_000;

  /** Whether each model is known to be somewhere. */
  const isCovered = (run: Run): boolean => {
    const lacking = replicas.map((name) => run.lacks(name)).filter((lacks) => lacks !== 'not up');
    return Object.keys(models).every((model) => lacking.some((lacks) => !lacks.includes(model)));
  };

  test('are about one check per replica and `every`, not 20,000', (t) => {
    const run = new Run();
    run.book.take([targetOf(models, replicas)], 0);
    run.for(minuteMs);
    const first = run.made.length;
    run.for(5 * minuteMs);
    assert.ok(run.book.isSettled);
    run.made.length = 0;
    run.for(minuteMs);
    const steady = run.made.length;
    const each = replicas.map((name) => run.made.filter(({ check }) => check.replica === name).length);
    t.diagnostic(`checks in a minute: ${first} in the first, ${steady} once all is known; all of all would be 600000`);
    assert.ok(first <= 60 * waitingChecksPerSecondMax + 20 * 30 + 100);
    assert.ok(steady >= 580 && steady <= 620);
    assert.ok(each.every((count) => count >= 29 && count <= 31));
  });

  test('are asked for what no replica has first', (t) => {
    const run = new Run();
    run.book.take([targetOf(models, replicas)], 0);
    while (run.nowMs < minuteMs && !isCovered(run)) run.for(500);
    t.diagnostic(`each model had a replica after ${run.nowMs / 1000} s and ${run.made.length} checks of 20000`);
    assert.ok(run.nowMs <= 15_000);
  });

  test('where each replica has its own part of the models, what is missing is not asked for without end', (t) => {
    const run = new Run();
    run.book.take([targetOf(models, replicas)], 0);
    const partOf = (model: string): string => `r${Number(model.slice(1)) % 20}`;
    run.answer = ({ model = '', replica }) => (partOf(model) === replica ? available : { kind: 'missing' });
    run.for(8 * minuteMs);
    run.made.length = 0;
    run.for(minuteMs);
    t.diagnostic(`checks in a minute, once all is known: ${run.made.length}`);
    assert.ok(run.made.length <= 620);
    // One of them goes away: those that said they lack its models are asked again, within bounds.
    const before = run.answer;
    run.answer = (check) => (check.replica === 'r0' ? refused : before(check));
    run.made.length = 0;
    run.for(minuteMs);
    t.diagnostic(`checks in the minute in which one goes away: ${run.made.length}`);
    assert.ok(run.made.length <= 60 * waitingChecksPerSecondMax + 20 * 30 + 100);
  });
});
