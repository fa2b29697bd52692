import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { durationMsMax, parseDurationMs } from './duration.ts';

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
