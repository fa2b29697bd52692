import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import type { LimitPlan } from '../plan/types.ts';
import { RateLimiter, rateCounter, rateMemory } from './rate-limit.ts';

const limit = (changes: Partial<LimitPlan> = {}): LimitPlan => ({
  count: 10,
  periodMs: 1000,
  burst: 10,
  per: 'caller',
  ...changes,
});
const owner = (who: string) => ({ rule: 'a rule', position: 0, who });

test('over any window at most rate · T + burst calls are admitted', () => {
  const arrivals = fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 50, maxLength: 400 });
  const sizes = fc.record({ count: fc.integer({ min: 1, max: 500 }), burst: fc.integer({ min: 1, max: 40 }) });
  const property = fc.property(sizes, arrivals, ({ count, burst }, gapsUs) => {
    const limiter = new RateLimiter(rateMemory(64));
    const counters = [rateCounter(limit({ count, burst }), owner('a'))];
    let nowUs = 1e9;
    const admitted = gapsUs.flatMap((gapUs) => {
      nowUs += gapUs;
      return limiter.take(counters, nowUs) ? [nowUs] : [];
    });
    for (let from = 0; from < admitted.length; from += 1) {
      for (let to = from; to < admitted.length; to += 1) {
        const windowUs = (admitted[to] as number) - (admitted[from] as number);
        assert.ok(to - from + 1 <= ((windowUs / 1e6) * count + burst) * 1.0001 + 1e-6);
      }
    }
  });
  fc.assert(property, { seed: 3, numRuns: 60 });
});

test('a caller at 0.8 of the rate is never refused, however uneven within the burst', () => {
  const limiter = new RateLimiter(rateMemory(64));
  const counters = [rateCounter(limit({ count: 100, burst: 20 }), owner('a'))];
  let nowUs = 5e8;
  for (let call = 0; call < 20_000; call += 1) {
    nowUs += call % 10 === 0 ? 125_000 : 0;
    assert.ok(limiter.take(counters, nowUs), `call ${call}`);
  }
});

test('all limits of a list must pass, and a refused call costs none of them', () => {
  const limiter = new RateLimiter(rateMemory(64));
  const wide = rateCounter(limit({ count: 100, burst: 5 }), owner('a'));
  const narrow = rateCounter(limit({ count: 1, burst: 1, per: 'rule' }), { ...owner('a'), position: 1 });
  assert.ok(limiter.take([wide, narrow], 1e6));
  for (let call = 0; call < 50; call += 1) assert.ok(!limiter.take([wide, narrow], 1e6));
  for (let call = 0; call < 4; call += 1) assert.ok(limiter.take([wide], 1e6), `call ${call}`);
  assert.ok(!limiter.take([wide], 1e6));
});

test('callers have counters of their own, a rule has one for all', () => {
  const limiter = new RateLimiter(rateMemory(64));
  const [a, b] = ['a', 'b'].map((who) => rateCounter(limit({ burst: 1 }), owner(who)));
  assert.ok(a !== undefined && b !== undefined);
  assert.ok(limiter.take([a], 1e6) && limiter.take([b], 1e6) && !limiter.take([a], 1e6));
  const [c, d] = ['c', 'd'].map((who) => rateCounter(limit({ burst: 1, per: 'rule' }), owner(who)));
  assert.ok(c !== undefined && d !== undefined);
  assert.ok(limiter.take([c], 1e6) && !limiter.take([d], 1e6));
});

test('full of debtors, new callers share a counter: fewer are admitted, never more; paid debts make room', () => {
  const limiter = new RateLimiter(rateMemory(4));
  const counters = Array.from({ length: 40 }, (_, index) => [rateCounter(limit({ burst: 2 }), owner(`${index}`))]);
  const admitted = counters.filter((each) => limiter.take(each, 1e6) && limiter.take(each, 1e6));
  assert.equal(admitted.length, 4);
  const later = [rateCounter(limit({ burst: 2 }), owner('later'))];
  assert.ok(limiter.take(later, 3e6) && limiter.take(later, 3e6) && !limiter.take(later, 3e6));
});

test('threads share the counters', async () => {
  const memory = rateMemory(64);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.module).then(({ RateLimiter, rateCounter }) => {
      const limiter = new RateLimiter(workerData.memory);
      const counters = [rateCounter(workerData.limit, { rule: 'r', position: 0, who: 'a' })];
      let admitted = 0;
      for (let call = 0; call < 20000; call += 1) if (limiter.take(counters, 1e9 + call)) admitted += 1;
      parentPort.postMessage(admitted);
    });`;
  const workerData = {
    module: new URL('./rate-limit.ts', import.meta.url).href,
    memory,
    limit: limit({ count: 1, burst: 1000 }),
  };
  const counts = await Promise.all(
    [0, 1].map(
      () =>
        new Promise<number>((resolve, reject) => {
          new Worker(program, { eval: true, workerData }).on('message', resolve).on('error', reject);
        }),
    ),
  );
  assert.equal((counts[0] ?? 0) + (counts[1] ?? 0), 1000);
});
