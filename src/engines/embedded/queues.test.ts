import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { QueuePlan, UpstreamPlan } from '../../plan/types.ts';
import { queueMemory } from '../../traffic/index.ts';
import { Queues, type Turn } from './queues.ts';
import { eventually } from './testing/stage.ts';

const upstreams = (service: QueuePlan | undefined, m?: QueuePlan): UpstreamPlan[] => [
  { service: 's', endpoints: [], queue: { ...(service && { service }), ...(m && { models: { m } }) } },
];
const plan = (inFlightMax: number, waitingMax: number, waitMs = 60_000): QueuePlan => ({
  inFlightMax,
  waitingMax,
  waitMs,
});
const numbers = new Map([
  ['s', 4],
  ['s/m', 9],
]);

/** A caller's turn, and what it was told. */
interface Told {
  readonly turn: Turn;
  readonly said: string[];
  waitedMs: number | undefined;
}

function ask(queues: Queues, model: string | undefined): Told {
  const said: string[] = [];
  const taker = {
    passed: (waitedMs: number | undefined) => {
      said.push('passed');
      told.waitedMs = waitedMs;
    },
    refused: (reason: string) => void said.push(reason),
  };
  const told: Told = { turn: queues.turn('s', model, taker), said, waitedMs: undefined };
  told.turn.start();
  return told;
}

function queuesOf(given: UpstreamPlan[], memory = queueMemory(), owner = 0): Queues {
  const queues = new Queues(memory, owner);
  queues.apply(given, numbers);
  return queues;
}

const told = (one: Told): Promise<string[]> => eventually(() => (one.said.length > 0 ? one.said : undefined));

test('without a queue nobody waits and nobody is counted', () => {
  const queues = queuesOf([{ service: 's', endpoints: [] }]);
  assert.equal(queues.has('s', 'm'), false);
  assert.equal(queues.queueOf('s', 'm'), undefined);
});

test('places, a line, and the end of it; who is over lets the next go on', async () => {
  const queues = queuesOf(upstreams(plan(1, 1)));
  const [first, second, third] = [ask(queues, 'm'), ask(queues, undefined), ask(queues, 'm')];
  assert.deepEqual([first?.said, second?.said, third?.said], [['passed'], [], ['queue-full']]);
  assert.equal(first.waitedMs, undefined);
  assert.ok(queues.isFull('s', 'm'));
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 1, waiting: 1 }, "the service's, where the model has none");
  first.turn.over();
  first.turn.over();
  assert.deepEqual(await told(second), ['passed']);
  assert.ok((second.waitedMs ?? 0) > 0);
  third.turn.over();
  second.turn.over();
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 0, waiting: 0 });
});

test('whoever waits too long is refused, holds nothing, and is not granted anything later', (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  const queues = queuesOf(upstreams(plan(1, 5, 200)));
  const first = ask(queues, 'm');
  const [second, third] = [ask(queues, 'm'), ask(queues, 'm')];
  third.turn.over();
  mock.timers.tick(199);
  assert.deepEqual(second.said, []);
  mock.timers.tick(1);
  assert.deepEqual([second.said, third.said], [['queue-timeout'], []]);
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 1, waiting: 0 });
  first.turn.over();
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 0, waiting: 0 });
});

test('a place that came at the last moment is taken, not refused', (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  const queues = queuesOf(upstreams(plan(1, 5, 200)));
  const [first, second] = [ask(queues, 'm'), ask(queues, 'm')];
  first.turn.over();
  mock.timers.tick(200);
  assert.deepEqual(second.said, ['passed']);
});

test("refused by the service's queue, a call holds no place of its model's", async () => {
  const queues = queuesOf(upstreams(plan(1, 0), plan(1, 5)));
  const first = ask(queues, 'other');
  const small = ask(queues, 'm');
  assert.deepEqual(small.said, ['queue-full']);
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 0, waiting: 0 });
  first.turn.over();
  const [second, third] = [ask(queues, 'm'), ask(queues, 'm')];
  assert.deepEqual([second.said, third.said], [['passed'], []]);
  second.turn.over();
  assert.deepEqual(await told(third), ['passed']);
});

test('another Plan: what is counted stays, more places let more go on, and without a queue all go on', async () => {
  const memory = queueMemory();
  const queues = queuesOf(upstreams(plan(1, 9)), memory);
  const other = queuesOf(upstreams(plan(1, 9)), memory, 1);
  const calls = [ask(queues, 'm'), ask(queues, 'm'), ask(other, 'm'), ask(queues, 'm'), ask(other, 'm')];
  for (const each of [queues, other]) each.apply(upstreams(plan(3, 9)), numbers);
  for (const call of calls.slice(0, 3)) assert.deepEqual(await told(call), ['passed']);
  assert.deepEqual(other.queueOf('s', 'm'), { inFlight: 3, waiting: 2 });
  for (const each of [queues, other]) each.apply([{ service: 's', endpoints: [] }], numbers);
  for (const call of calls) assert.deepEqual(await told(call), ['passed']);
  for (const each of [queues, other]) each.apply(upstreams(plan(3, 9)), numbers);
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 5, waiting: 0 });
  for (const { turn } of calls) turn.over();
  assert.deepEqual(queues.queueOf('s', 'm'), { inFlight: 0, waiting: 0 });
});
