import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesSegment, matchesSegments } from './patterns.ts';

const cases: readonly (readonly [pattern: string, resource: string, matches: boolean])[] = [
  ['a', 'a', true],
  ['a', 'ab', false],
  ['*', 'a', true],
  ['*', 'a/b', false],
  ['**', 'a', true],
  ['**', 'a/b/c', true],
  ['a/**', 'a', false],
  ['a/**', 'a/b', true],
  ['a/**', 'b/b', false],
  ['a/*', 'a/b/c', false],
  ['a-*', 'a-', true],
  ['a-*-z', 'a-z', false],
  ['a-*-z', 'a--z', true],
  ['a*a', 'a', false],
  ['*a*b*', 'xaxbx', true],
  ['*a*b*', 'xbxax', false],
];

for (const [pattern, resource, matches] of cases) {
  test(`${pattern} ${matches ? 'matches' : 'does not match'} ${resource}`, () => {
    assert.equal(matchesSegments(pattern.split('/'), resource.split('/')), matches);
  });
}

test('a segment with stars matches as the regular expression would', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 8 });
  const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*'), maxLength: 8 });
  const property = fc.property(patterns, letters, (pattern, segment) => {
    const expression = new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '.*')}$`);
    assert.equal(matchesSegment(pattern, segment), expression.test(segment));
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 5000 });
});

test('many stars stay cheap', () => {
  const started = performance.now();
  assert.equal(matchesSegment(`${'a*'.repeat(60)}b`, 'a'.repeat(120)), false);
  assert.ok(performance.now() - started < 100);
});
