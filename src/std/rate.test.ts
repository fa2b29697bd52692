import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseRate } from './rate.ts';

describe('parseRate', () => {
  it('reads a count and a period', () => {
    assert.deepEqual(parseRate('200/s'), { count: 200, periodMs: 1000 });
    assert.deepEqual(parseRate('10/m'), { count: 10, periodMs: 60_000 });
    assert.deepEqual(parseRate('5/h'), { count: 5, periodMs: 3_600_000 });
    assert.deepEqual(parseRate('1000000000/s'), { count: 1_000_000_000, periodMs: 1000 });
  });

  it('refuses anything else', () => {
    const wrong = [
      '',
      '200',
      '200/',
      '/s',
      '0/s',
      '-1/s',
      '1.5/s',
      '1e3/s',
      ' 1/s',
      '1/s ',
      '1 / s',
      '1/S',
      '1/d',
      '1/sec',
    ];
    for (const text of [...wrong, '007/s', '1000000001/s', '9999999999/s', '1/s\n', '١/s']) {
      assert.equal(parseRate(text), undefined, JSON.stringify(text));
    }
  });
});
