import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Ejection, ejectionFailuresMax, ejectionMs, ejectionMsMax } from './ejection.ts';
import { ReplicaMemory, replicaMemory, word } from './replica-memory.ts';

const pair = [0, 1];

function make(): { memory: ReplicaMemory; ejection: Ejection } {
  const memory = new ReplicaMemory(replicaMemory(2, 16));
  return { memory, ejection: new Ejection(memory) };
}

/** Fails until it is passed over, or for ever so often. */
function fail(ejection: Ejection, slot: number, nowMs: number, all: readonly number[] = pair): number | undefined {
  for (let turn = 0; turn < ejectionFailuresMax; turn += 1) {
    const forMs = ejection.failed(slot, all, nowMs);
    if (forMs !== undefined) return forMs;
  }
  return undefined;
}

test('failures in a row, and only in a row', () => {
  const { ejection } = make();
  for (let turn = 0; turn < 10 * ejectionFailuresMax; turn += 1) {
    ejection.failed(0, pair, 0);
    if (turn % (ejectionFailuresMax - 1) === 0) ejection.succeeded(0, 0);
  }
  assert.equal(
    ejection.standing(0, () => 0),
    'well',
  );
  assert.equal(fail(ejection, 0, 0), ejectionMs);
  assert.equal(
    ejection.standing(0, () => ejectionMs - 1),
    'ejected',
  );
});

test('one call tries it; the others wait for its outcome', () => {
  const { ejection } = make();
  fail(ejection, 0, 0);
  assert.equal(ejection.claim(0, ejectionMs - 1), false);
  assert.equal(
    ejection.standing(0, () => ejectionMs),
    'due',
  );
  assert.equal(ejection.claim(0, ejectionMs), true);
  assert.equal(ejection.claim(0, ejectionMs), false);
  assert.equal(
    ejection.standing(0, () => ejectionMs),
    'ejected',
  );
  assert.equal(ejection.succeeded(0, ejectionMs), true);
  assert.equal(
    ejection.standing(0, () => ejectionMs),
    'well',
  );
});

test('an old call that ends well proves nothing', () => {
  const { ejection } = make();
  fail(ejection, 0, 0);
  assert.equal(ejection.succeeded(0, 1), false);
  assert.ok(ejection.isEjected(0));
});

test('each trial that fails doubles the time, up to a bound', () => {
  const { ejection } = make();
  let nowMs = 0;
  const spans = [fail(ejection, 0, nowMs)];
  for (let turn = 0; turn < 8; turn += 1) {
    const beganMs = nowMs;
    while (!ejection.claim(0, nowMs)) nowMs += 100;
    ejection.failed(0, pair, nowMs);
    spans.push(nowMs - beganMs);
  }
  assert.deepEqual(spans, [1000, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000]);
  ejection.claim(0, nowMs + ejectionMsMax);
  ejection.succeeded(0, nowMs + ejectionMsMax);
  const soonMs = nowMs + ejectionMsMax + 1000;
  assert.equal(fail(ejection, 0, soonMs), ejectionMsMax, 'soon again: for as long');
  ejection.claim(0, soonMs + ejectionMsMax);
  ejection.succeeded(0, soonMs + ejectionMsMax);
  assert.equal(fail(ejection, 0, soonMs + 3 * ejectionMsMax), ejectionMs, 'long well: from the start');
});

test('a trial of which nobody hears again makes room for the next', () => {
  const { ejection } = make();
  fail(ejection, 0, 0);
  assert.ok(ejection.claim(0, 1000));
  assert.equal(ejection.claim(0, 2999), false);
  assert.ok(ejection.claim(0, 3000));
});

test('never more than half of a service, and never one alone', () => {
  const { ejection } = make();
  assert.equal(fail(ejection, 0, 0, [0]), undefined);
  const five = [1, 2, 3, 4, 5];
  const spans = five.map((slot) => fail(ejection, slot, 0, five));
  assert.deepEqual(spans, [ejectionMs, ejectionMs, undefined, undefined, undefined]);
});

test('where nothing is better it may be tried early, and that counts', () => {
  const { ejection } = make();
  fail(ejection, 0, 0);
  ejection.risk(0);
  ejection.failed(0, pair, 10);
  assert.equal(
    ejection.standing(0, () => ejectionMs),
    'due',
    'no longer for a failure of a call that had no choice',
  );
  ejection.risk(0);
  assert.equal(ejection.succeeded(0, 20), true);
});

test('threads count together, and a dead one counts no more', async () => {
  const shared = replicaMemory(2, 16);
  const memory = new ReplicaMemory(shared);
  const url = new URL('./replica-memory.ts', import.meta.url).href;
  const program = `
    const { workerData, parentPort } = require('node:worker_threads');
    import(${JSON.stringify(url)}).then(({ ReplicaMemory }) => {
      const memory = new ReplicaMemory(workerData.shared);
      for (let turn = 0; turn < 50000; turn += 1) { memory.begin(3, workerData.thread); if (turn % 2) memory.end(3, workerData.thread); }
      parentPort.postMessage('done');
      setInterval(() => undefined, 1000);
    });`;
  const workers = [0, 1].map((thread) => new Worker(program, { eval: true, workerData: { shared, thread } }));
  await Promise.all(workers.map((worker) => new Promise((resolve) => worker.once('message', resolve))));
  assert.equal(memory.get(3, word.inFlight), 50_000);
  await Promise.all(workers.map((worker) => worker.terminate()));
  memory.forget(0);
  assert.equal(memory.get(3, word.inFlight), 25_000);
  memory.forget(1);
  assert.equal(memory.get(3, word.inFlight), 0);
});
