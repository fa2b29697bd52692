import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesSegments } from '../decision/index.ts';
import { MethodIndex } from './method-index.ts';

test('finds what a pattern matches, and near names by their service', () => {
  const index = new MethodIndex(['a.B/Get', 'a.B/GetAll', 'a.C/Get', 'D/Put']);
  const found = (pattern: string): string => [...index.matching(pattern.split('/'))].join(' ');
  assert.equal(found('a.B/Get'), 'a.B/Get');
  assert.equal(found('a.B/Get*'), 'a.B/Get a.B/GetAll');
  assert.equal(found('*/Get'), 'a.B/Get a.C/Get');
  assert.equal(found('a.*/**'), 'a.B/Get a.B/GetAll a.C/Get');
  assert.equal(found('**'), 'a.B/Get a.B/GetAll a.C/Get D/Put');
  for (const pattern of ['a.B', '*', 'a.B/Fetch', 'a.E/Get', 'a.B/Get/now', 'a.B/Get/**', ''])
    assert.equal(found(pattern), '');
  assert.deepEqual(index.services, ['a.B', 'a.C', 'D']);
  assert.deepEqual([index.methodsOf('a.B'), index.methodsOf('E')], [['Get', 'GetAll'], []]);
});

test('finds what holding the pattern against each of them would', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b'), minLength: 1, maxLength: 3 });
  const names = fc.uniqueArray(
    fc.tuple(word, word).map((parts) => parts.join('/')),
    { maxLength: 20 },
  );
  const part = fc
    .string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 3 })
    .map((text) => text.replace(/\*+/g, '*'));
  const pattern = fc.oneof(fc.constant(['**']), fc.tuple(part, fc.oneof(part, fc.constant('**'))));
  fc.assert(
    fc.property(names, pattern, (all, segments) => {
      const expected = all.filter((name) => matchesSegments(segments, name.split('/')));
      assert.deepEqual([...new MethodIndex(all).matching(segments)].toSorted(), expected.toSorted());
    }),
    { seed: 11, numRuns: 500 },
  );
});
