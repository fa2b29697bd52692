import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { GateAnswer, GateRequest } from '../../gate/index.ts';
import { Answered } from './answered.ts';
import { KeptDecisions, type KeptKey, type KeyParts, keptKey, keyText } from './kept.ts';
import { keptRefusalsMax } from './limits.ts';

const request: GateRequest = {
  id: '1',
  listener: 'public',
  method: 'GET',
  target: '/v1/models/m?secret',
  authority: 'a',
  headers: [],
  address: '127.0.0.1',
};

function refusal(keepUntilMs: number, subjectId?: string): Answered {
  const identity = {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'i',
    subject: 's',
    groups: [],
    expiresAtMs: 9e15,
  } as const;
  const answer: GateAnswer = {
    kind: 'denial',
    reason: 'no-rule-allows',
    ...(subjectId !== undefined && { identity: { ...identity, id: subjectId } }),
    keepUntilMs,
    epoch: 'e',
  };
  return new Answered('dev', request, answer);
}

const key = (place: string): KeptKey => ({ place, authorization: undefined });

const parts: KeyParts = {
  listener: 'public',
  method: 'POST',
  target: '/v1/models/m:predict?x=1',
  authority: 'a',
  authorization: 'Bearer t',
  reads: '',
  address: '',
};

test('a decision is kept until its time and not a millisecond longer; what is not to be kept is not', () => {
  const kept = new KeptDecisions();
  kept.keep(key('k'), refusal(1000), 500);
  assert.ok(kept.find(key('k'), 999) !== undefined);
  assert.equal(kept.find(key('k'), 1000), undefined);
  assert.equal(kept.size, 0);
  kept.keep(key('k'), refusal(0), 500);
  assert.equal(kept.size, 0);
});

test('bounded: the oldest go first', () => {
  const kept = new KeptDecisions();
  for (let index = 0; index < keptRefusalsMax + 5; index += 1) kept.keep(key(`k${index}`), refusal(1e9), 0);
  assert.equal(kept.size, keptRefusalsMax);
  assert.equal(kept.find(key('k4'), 1), undefined);
  assert.ok(kept.find(key('k5'), 1) !== undefined);
});

test('a revoked subject has nothing kept; others have', () => {
  const kept = new KeptDecisions();
  kept.keep(key('a'), refusal(1e9, 'alice'), 0);
  kept.keep(key('b'), refusal(1e9, 'bob'), 0);
  kept.revoke(new Set(['alice']));
  assert.equal(kept.find(key('a'), 1), undefined);
  assert.ok(kept.find(key('b'), 1) !== undefined);
});

test('the query is not in the key; everything else is', () => {
  assert.deepEqual(keptKey(parts), keptKey({ ...parts, target: '/v1/models/m:predict?y=2' }));
  const changes: Partial<KeyParts>[] = [
    { listener: 'x' },
    { method: 'GET' },
    { target: '/v1/models/n:predict' },
    { authority: 'b' },
    { authorization: 'Bearer u' },
    { authorization: undefined },
    { reads: '\nx-a:1' },
    { address: '10.0.0.1' },
    { message: {} },
    { message: { model: 'm' } },
    { message: { model: 'm', version: '1' } },
    { message: { model: 'm', label: '1' } },
  ];
  const keys = new Set(
    [parts, ...changes.map((change) => ({ ...parts, ...change }))].map((each) => keyText(keptKey(each))),
  );
  assert.equal(keys.size, changes.length + 1);
});

test('another credential with the same end finds nothing', () => {
  const kept = new KeptDecisions();
  const end = 's'.repeat(40);
  const mine = keptKey({ ...parts, authorization: `Bearer a${end}` });
  kept.keep(mine, refusal(1e9), 0);
  assert.ok(kept.find(mine, 1) !== undefined);
  assert.equal(kept.find(keptKey({ ...parts, authorization: `Bearer b${end}` }), 1), undefined);
  assert.equal(kept.find(keptKey({ ...parts, authorization: end }), 1), undefined);
});

test('no two requests share a key: parts do not run into one another, long ones are hashed', () => {
  const word = fc.stringMatching(/^[a-c:@ |/]{0,6}$/);
  const long = fc.constantFrom('', 'x'.repeat(40), 'x'.repeat(5000));
  const anyParts = fc.record({
    listener: word,
    method: word,
    target: word,
    authority: word,
    authorization: fc.tuple(fc.stringMatching(/^[a-c:@]{1,4}$/), long).map(([text, rest]) => text + rest),
    reads: fc
      .array(fc.stringMatching(/^[a-c-]{1,3}:[a-c@:]{0,4}$/), { maxLength: 2 })
      .map((all) => all.map((one) => `\n${one}`).join('')),
    address: fc.constantFrom('', '1', '2'),
    message: fc.constantFrom(undefined, {}, { model: 'a' }, { model: 'a', version: '1' }, { model: 'a', label: '1' }),
  });
  const property = fc.property(anyParts, anyParts, (one, other) => {
    const same = JSON.stringify(one) === JSON.stringify(other);
    const [first, second] = [keptKey(one), keptKey(other)];
    assert.equal(first.place === second.place && first.authorization === second.authorization, same);
    assert.equal(keyText(first) === keyText(second), same);
    assert.ok(first.place.length <= 4096);
  });
  fc.assert(property, { seed: 7, numRuns: 2000 });
});

test('a refusal after a permit keeps who called, and says why it was refused', () => {
  const answered = refusal(1e9, 'alice');
  assert.match(answered.core, /"reason":"no-rule-allows"/);
  assert.match(answered.coreOf('limit-exceeded'), /"id":"alice".*"outcome":"deny","reason":"limit-exceeded"/);
  assert.doesNotMatch(answered.core, /secret/);
});
