import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UnrecordedCalls } from '../../audit/types.ts';
import { CallWatch } from './call-watch.ts';

/** HAProxy's counts, as a test sets them, by listener. */
class Counted {
  begun = [0, 0];
  ended = [0, 0];
  inFlight = 0;
  strays = 0;
  nowMs = 1000;
  readonly found: UnrecordedCalls[] = [];
  readonly watch = new CallWatch({
    ask: async (command) => (command === 'show sess' ? this.#sessions() : this.#stats()),
    worker: 'w',
    listeners: ['public', 'internal'],
    clock: { now: () => this.nowMs },
    onFound: (calls) => this.found.push(calls),
  });

  constructor() {
    this.watch.start();
  }

  async look(): Promise<void> {
    await this.watch.look();
    this.nowMs += 1000;
  }

  #stats(): string {
    const rows = [0, 1].map((index) => `in.${index + 1},FRONTEND,0,${this.begun[index]},${this.ended[index]},http`);
    return ['# pxname,svname,scur,req_tot,hrsp_2xx,mode', ...rows, `up.1,BACKEND,${this.inFlight},0,0,http`].join('\n');
  }

  #sessions(): string {
    return ' fe=in.1 be=<NONE> srv=<none>\n'.repeat(this.strays);
  }
}

test('what is on its way is not missing; what is missing twice is told once', async () => {
  const counted = new Counted();
  Object.assign(counted, { begun: [10, 5], ended: [7, 5], inFlight: 3 });
  await counted.look();
  counted.inFlight = 1;
  for (let turn = 0; turn < 4; turn += 1) await counted.look();
  const [only, ...more] = counted.found;
  assert.deepEqual(more, []);
  const { calls, listeners, cause, sinceMs, untilMs } = only ?? {};
  assert.deepEqual({ calls, listeners, cause }, { calls: 2, listeners: ['public'], cause: 'no-answer' });
  assert.deepEqual([sinceMs, untilMs], [1000, 2000]);
  counted.begun[1] = 6;
  for (let turn = 0; turn < 3; turn += 1) await counted.look();
  assert.deepEqual(
    counted.found.slice(1).map((each) => [each.calls, each.listeners]),
    [[1, ['public', 'internal']]],
  );
});

test('what is missing at one look alone, what a frontend answers by itself, and what has a line, is no finding', async () => {
  const counted = new Counted();
  Object.assign(counted, { begun: [4, 0], ended: [3, 0] });
  await counted.look();
  counted.ended = [4, 0];
  await counted.look();
  Object.assign(counted, { begun: [6, 0], strays: 2 });
  await counted.look();
  await counted.look();
  counted.strays = 0;
  counted.watch.sawStatusless();
  counted.watch.sawStatusless();
  await counted.look();
  await counted.look();
  assert.deepEqual(counted.found, []);
});

test('the end: one more look, and what is still on its way', async () => {
  const counted = new Counted();
  Object.assign(counted, { begun: [4, 1], ended: [1, 1], inFlight: 2 });
  await counted.watch.end();
  assert.deepEqual(
    counted.found.map(({ calls, cause }) => [calls, cause]),
    [
      [1, 'no-answer'],
      [2, 'cut'],
    ],
  );
  counted.watch.gone();
  await counted.watch.end();
  assert.equal(counted.found.length, 2);
});

test('a process that went by itself: it can not be known', () => {
  const counted = new Counted();
  counted.watch.gone();
  counted.watch.gone();
  assert.deepEqual(
    counted.found.map(({ calls, cause }) => [calls, cause]),
    [[null, 'killed']],
  );
});
