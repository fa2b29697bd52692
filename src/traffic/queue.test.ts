import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { full, passed, queueMemory, SharedQueues, waitersMax } from './queue.ts';

const pair = (inFlightMax: number): [SharedQueues, SharedQueues, SharedArrayBuffer] => {
  const memory = queueMemory();
  const [one, other] = [new SharedQueues(memory, 0), new SharedQueues(memory, 1)];
  one.allow(3, inFlightMax);
  return [one, other, memory];
};

test('places, then waiting, then full; a place that is free again goes to who came first, on whatever thread', () => {
  const [one, other] = pair(2);
  assert.deepEqual([one.enter(3, 3), other.enter(3, 3)], [passed, passed]);
  const waiters = [one.enter(3, 3), other.enter(3, 3), one.enter(3, 3)];
  assert.ok(one.isFull(3, 3));
  assert.deepEqual([one.enter(3, 3), other.enter(3, 3)], [full, full]);
  assert.deepEqual(one.counts(3), { inFlight: 2, waiting: 3 });
  const [first = 0, second = 0, third = 0] = waiters;
  assert.equal(other.release(3), false, 'it is not of the thread that released');
  assert.deepEqual([one.isGranted(first), other.isGranted(second), one.isGranted(third)], [true, false, false]);
  one.collect(3, first);
  assert.equal(one.release(3), false);
  assert.ok(other.isGranted(second));
  assert.deepEqual(one.counts(3), { inFlight: 2, waiting: 1 });
});

test('who leaves frees its place in the line; who leaves with a place hands it on', () => {
  const [one, other] = pair(1);
  assert.equal(one.enter(3, 9), passed);
  const [a, b, c] = [one.enter(3, 9), other.enter(3, 9), one.enter(3, 9)];
  other.leave(3, b);
  assert.deepEqual(one.counts(3), { inFlight: 1, waiting: 2 });
  one.release(3);
  assert.ok(one.isGranted(a));
  assert.equal(one.leave(3, a), true, 'the next is on the same thread');
  assert.ok(one.isGranted(c));
  one.collect(3, c);
  one.release(3);
  assert.deepEqual(one.counts(3), { inFlight: 0, waiting: 0 });
});

test('more places let waiters go on', () => {
  const [one, other] = pair(1);
  one.enter(3, 9);
  const waiters = [one.enter(3, 9), other.enter(3, 9)];
  other.allow(3, 5);
  assert.deepEqual(
    waiters.map((waiter) => one.isGranted(waiter)),
    [true, true],
  );
  one.allow(3, 1);
  assert.equal(one.counts(3).inFlight, 3, 'what is in flight stays counted');
});

test('a thread has so many waiters and no more', () => {
  const [one, other] = pair(0);
  for (let waiter = 0; waiter < waitersMax; waiter += 1) assert.equal(one.enter(3, 1e6), waiter);
  assert.equal(one.enter(3, 1e6), full);
  assert.equal(other.enter(3, 1e6), waitersMax);
  one.leave(3, 5);
  assert.equal(one.enter(3, 1e6), 5);
});

test('what a thread held and where it waited is taken back, also from within a change', () => {
  const [one, other, memory] = pair(3);
  const watch = new SharedQueues(memory);
  for (const each of [one, other, other]) assert.equal(each.enter(3, 9), passed);
  const mine = one.enter(3, 9);
  const theirs = [other.enter(3, 9), other.enter(3, 9)];
  const last = one.enter(3, 9);
  // The other thread dies while it holds the lock, and a waiter of its own was just taken out of the line half.
  const shared = new Int32Array(memory);
  Atomics.store(shared, 16 + 3 * 16, 2);
  shared[16 + 3 * 16 + 1] = 4711;
  assert.equal(theirs.length, 2);
  watch.forget(1);
  assert.deepEqual(one.counts(3), { inFlight: 3, waiting: 0 });
  assert.deepEqual([one.isGranted(mine), one.isGranted(last)], [true, true]);
  const again = new SharedQueues(memory, 1);
  const waiter = again.enter(3, 9);
  assert.equal(waiter, waitersMax, 'its waiters are free again');
  one.collect(3, mine);
  one.release(3);
  assert.ok(again.isGranted(waiter));
});

test('in whatever order calls come, leave and end: never more than may, nobody passed over, nothing lost', () => {
  const step = fc.record({
    thread: fc.integer({ min: 0, max: 2 }),
    what: fc.integer({ min: 0, max: 9 }),
    which: fc.nat(),
  });
  const property = fc.property(fc.integer({ min: 1, max: 4 }), fc.array(step, { maxLength: 200 }), (max, steps) => {
    const memory = queueMemory();
    const threads = [0, 1, 2].map((owner) => new SharedQueues(memory, owner));
    threads[0]?.allow(7, max);
    const line: { by: SharedQueues; waiter: number }[] = [];
    const holders: SharedQueues[] = [];
    for (const { thread, what, which } of steps) {
      const by = threads[thread] as SharedQueues;
      if (what < 5) {
        const said = by.enter(7, 5);
        if (said === passed) holders.push(by);
        else if (said === full) assert.equal(line.length, 5);
        else line.push({ by, waiter: said });
      } else if (what < 8) holders.splice(which % (holders.length || 1), 1)[0]?.release(7);
      else for (const { by: who, waiter } of line.splice(which % (line.length || 1), 1)) who.leave(7, waiter);
      while (line[0]?.by.isGranted(line[0].waiter)) {
        const { by: who, waiter } = line.shift() as (typeof line)[number];
        who.collect(7, waiter);
        holders.push(who);
      }
      assert.ok(line.every(({ by: who, waiter }) => !who.isGranted(waiter)));
      assert.ok(holders.length <= max && (line.length === 0 || holders.length === max));
      assert.deepEqual(by.counts(7), { inFlight: holders.length, waiting: line.length });
    }
  });
  fc.assert(property, { seed: 5, numRuns: 60 });
});

test('threads share places and wake each other', async () => {
  const memory = queueMemory();
  const inside = new Int32Array(new SharedArrayBuffer(12));
  new SharedQueues(memory, 0).allow(0, 3);
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { module, memory, inside, owner, calls } = workerData;
    import(module).then(async ({ SharedQueues, passed }) => {
      const queues = new SharedQueues(memory, owner);
      let waits = 0;
      const call = async () => {
        const waiter = queues.enter(0, 1e6);
        if (waiter !== passed) {
          waits += 1;
          for (queues.listen(); !queues.isGranted(waiter); queues.listen()) await queues.rung();
          queues.collect(0, waiter);
        }
        const now = Atomics.add(inside, 0, 1) + 1;
        for (let most = inside[1]; now > most; most = inside[1]) Atomics.compareExchange(inside, 1, most, now);
        await new Promise(setImmediate);
        Atomics.sub(inside, 0, 1);
        queues.release(0);
      };
      const line = async () => { for (let n = 0; n < calls; n += 1) await call(); };
      const stay = setInterval(() => {}, 1000);
      await Promise.all([line(), line(), line(), line()]);
      clearInterval(stay);
      parentPort.postMessage(waits);
    });`;
  const module = new URL('./queue.ts', import.meta.url).href;
  const waits = await Promise.all(
    [0, 1].map(
      (owner) =>
        new Promise<number>((resolve, reject) => {
          const workerData = { module, memory, inside, owner, calls: 300 };
          new Worker(program, { eval: true, workerData }).on('message', resolve).on('error', reject);
        }),
    ),
  );
  assert.deepEqual(new SharedQueues(memory).counts(0), { inFlight: 0, waiting: 0 });
  assert.ok((inside[1] as number) <= 3, `${inside[1]} at a time`);
  assert.ok((waits[0] ?? 0) + (waits[1] ?? 0) > 0);
});
