import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Candidate, type ChoiceOptions, choose } from './balance.ts';
import { pointOfText, weight } from './rendezvous.ts';

const make = (name: string, inFlight: number, standing: Candidate['standing'] = 'well') => ({
  name,
  member: { point: pointOfText(name), inFlight, standing },
});
type Named = ReturnType<typeof make>;
const [idle, busy, other] = [make('idle', 0), make('busy', 3), make('other', 0)];
const options: ChoiceOptions<Named> = { isOffered: () => true, turn: 0, sequence: undefined };

test('the one with least in flight, and idle ones in turn', () => {
  assert.equal(choose([busy, idle], options).well, idle);
  assert.equal(choose([idle, other], options).well, idle);
  assert.equal(choose([idle, other], { ...options, turn: 1 }).well, other);
});

test('only those that are offered', () => {
  assert.equal(choose([busy, idle], { ...options, isOffered: (each) => each !== idle }).well, busy);
  assert.equal(choose([busy, idle], { ...options, isOffered: () => false }).well, undefined);
  assert.equal(choose([], options).well, undefined);
});

test('the best of each standing', () => {
  const [due, out, worse] = [make('due', 1, 'due'), make('out', 0, 'ejected'), make('worse', 1, 'ejected')];
  assert.deepEqual(choose([busy, worse, due, out], options), { well: busy, due, ejected: out });
});

test('a sequence goes by its weight alone, in whatever order they stand', () => {
  const replicas = [busy, idle, other];
  for (const id of ['a', 'b', 'c', 'd', 'e', 'f']) {
    const sequence = pointOfText(id);
    const found = choose(replicas, { ...options, sequence, turn: 2 }).well;
    const heaviest = Math.max(...replicas.map(({ member }) => weight(sequence, member.point)));
    assert.equal(weight(sequence, found?.member.point ?? 0), heaviest);
    assert.equal(choose(replicas.toReversed(), { ...options, sequence }).well, found);
  }
});
