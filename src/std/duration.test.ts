import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationMsMax, parseDurationMs, printDuration } from './duration.ts';

describe('parseDurationMs', () => {
  it('reads one number and one unit', () => {
    const read = { '1ms': 1, '250ms': 250, '2s': 2000, '5m': 300_000, '4h': 14_400_000, '30d': 2_592_000_000 };
    for (const [text, durationMs] of Object.entries(read)) assert.equal(parseDurationMs(text), durationMs, text);
    assert.equal(parseDurationMs('365d'), durationMsMax);
  });

  it('refuses anything else', () => {
    for (const text of ['', '5', 's', '0s', '-1s', '1.5s', '1h30m', '1 s', '1S', '01s', '366d', '9999999999ms', '1y']) {
      assert.equal(parseDurationMs(text), undefined, JSON.stringify(text));
    }
  });
});

describe('printDuration', () => {
  it('writes what parseDurationMs reads, in the largest unit that leaves a whole number', () => {
    const written = {
      '1ms': 1,
      '1500ms': 1500,
      '2s': 2000,
      '1m': 60_000,
      '90s': 90_000,
      '1h': 3_600_000,
      '2d': 172_800_000,
    };
    for (const [text, durationMs] of Object.entries(written)) {
      assert.equal(printDuration(durationMs), text);
      assert.equal(parseDurationMs(text), durationMs);
    }
  });
});
