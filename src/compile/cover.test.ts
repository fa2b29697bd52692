import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { matchesSegments } from '../decision/index.ts';
import type { ResourcePattern } from '../plan/index.ts';
import { type Coverable, coversPattern } from './cover.ts';
import { createCoverIndex } from './cover-index.ts';

function pattern(text: string): ResourcePattern {
  return { service: 's', segments: text.split('/') };
}

const cases: readonly (readonly [outer: string, inner: string, covers: boolean])[] = [
  ['**', '*', true],
  ['*', '**', true],
  ['*', 'a', true],
  ['a', '*', false],
  ['a-*', 'a-b-*', true],
  ['a-b-*', 'a-*', false],
  ['*-z', 'a-*-z', true],
  ['*a*', '*ba*', true],
  ['*ba*', '*a*', false],
  ['a/**', 'a/b', true],
  ['a/**', 'a/b/c', true],
  ['a/**', 'a/**', true],
  ['a/**', 'a', false],
  ['a/**', '**', false],
  ['**', 'a/**', true],
  ['**', 'a/b', true],
  ['*', 'a/b', false],
  ['*/**', 'a/**', true],
  ['a/*', 'a/**', false],
  ['a/*', 'a/b/c', false],
  ['a/b/c', 'a/*/c', false],
  ['a/*/c', 'a/b/c', true],
  ['a/*/c', 'a/b/d', false],
  ['a/b/**', 'a/**', false],
];

for (const [outer, inner, covers] of cases) {
  test(`${outer} ${covers ? 'takes in' : 'does not take in'} ${inner}`, () => {
    assert.equal(coversPattern(pattern(outer), pattern(inner)), covers);
  });
}

test('patterns of another service are apart', () => {
  assert.equal(coversPattern(pattern('**'), { service: 't', segments: ['a'] }), false);
});

const segment = fc.string({ unit: fc.constantFrom('a', 'b', '*'), minLength: 1, maxLength: 4 }).map((text) =>
  // Two stars in a row are the whole last segment, or nothing that reading lets through.
  text.replace(/\*+/g, '*'),
);
const patterns = fc
  .record({ segments: fc.array(segment, { minLength: 2, maxLength: 3 }), open: fc.boolean() })
  .map(({ segments, open }): ResourcePattern => ({ service: 's', segments: open ? [...segments, '**'] : segments }));
/** What stars stand for: any run of letters, and any rest of segments. */
const fillings = fc.array(
  fc.record({
    letters: fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 3 }),
    rest: fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 2 }),
  }),
  { minLength: 5, maxLength: 10 },
);

test('what a pattern takes in, it matches', () => {
  let both = 0;
  const property = fc.property(patterns, patterns, fillings, (outer, inner, drawn) => {
    if (!coversPattern(outer, inner)) return;
    for (const { letters, rest } of drawn) {
      const resource = inner.segments.flatMap((text) => (text === '**' ? rest : [text.replaceAll('*', letters)]));
      assert.ok(matchesSegments(inner.segments, resource));
      assert.ok(matchesSegments(outer.segments, resource));
      both += 1;
    }
  });
  fc.assert(property, { seed: 20_261_121, numRuns: 10_000 });
  assert.ok(both > 1000, `${both} were matched`);
});

function rule(index: number, at: string): Coverable {
  const plan: Coverable['plan'] = {
    index,
    effect: 'allow',
    callers: { kind: 'anyone' },
    actions: { kind: 'any' },
    resources: [pattern(at)],
  };
  return { plan, in: undefined };
}

test('whatever takes a pattern in is found by where it stands in the index', () => {
  for (const [outer, inner, covers] of cases) {
    const index = createCoverIndex(new Map());
    index.add(rule(0, outer));
    assert.equal(index.find(rule(1, inner), 1)?.plan.index, covers ? 0 : undefined, `${outer} over ${inner}`);
    assert.equal(index.find(rule(1, inner), 0), undefined, 'only before the given place');
  }
});
