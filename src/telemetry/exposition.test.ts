import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readSamples, sumOf } from './exposition.ts';

test('reads samples as they are printed, hostile labels and all', () => {
  const page = [
    '# HELP a_total of {b="c"} 5',
    '# TYPE a_total counter',
    'a_total 3',
    'a_total{b="c",d="say \\"}\\\\ 9\\n"} 4.5e-7',
    'a_bucket{le="+Inf"} 12',
    'none NaN',
    'most{x=""} +Inf',
    'no sample',
    '',
  ].join('\n');
  assert.deepEqual(readSamples(page), [
    { name: 'a_total', labels: {}, value: 3 },
    { name: 'a_total', labels: { b: 'c', d: 'say "}\\ 9\n' }, value: 4.5e-7 },
    { name: 'a_bucket', labels: { le: '+Inf' }, value: 12 },
    { name: 'none', labels: {}, value: Number.NaN },
    { name: 'most', labels: { x: '' }, value: Number.POSITIVE_INFINITY },
  ]);
});

test('sums what has the labels', () => {
  const samples = readSamples('a{b="1",c="x"} 2\na{b="1",c="y"} 3\na{b="2",c="x"} 5\nb{b="1"} 7\n');
  assert.equal(sumOf(samples, 'a', { b: '1' }), 5);
  assert.equal(sumOf(samples, 'a'), 10);
  assert.equal(sumOf(samples, 'a', { d: '' }), 0);
});
