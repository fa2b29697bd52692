import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseShare, printShare } from './share.ts';

test('shares are percent', () => {
  const table: [string, number | undefined][] = [
    ['5%', 50_000],
    ['0%', 0],
    ['100%', 1_000_000],
    ['100.0000%', 1_000_000],
    ['0.0001%', 1],
    ['12.5%', 125_000],
    ['100.1%', undefined],
    ['101%', undefined],
    ['5', undefined],
    ['5 %', undefined],
    ['-5%', undefined],
    ['.5%', undefined],
    ['0.00001%', undefined],
    ['1e1%', undefined],
    ['', undefined],
  ];
  for (const [text, ppm] of table) assert.equal(parseShare(text), ppm, text);
});

test('a share is printed as it is read', () => {
  for (const ppm of [0, 1, 50_000, 125_000, 999_999, 1_000_000])
    assert.equal(parseShare(printShare(ppm).replace(' ', '')), ppm);
});
