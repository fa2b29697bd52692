import assert from 'node:assert/strict';
import { test } from 'node:test';
import { childSpanId, isOfShare, isSampledFlag, spanIdsOf } from './trace.ts';

test('ids of spans are of the form that W3C has, and differ from call to call', () => {
  const ids = Array.from({ length: 500 }, (_, call) => spanIdsOf(`0123456789ab-${call.toString(36)}`));
  for (const { traceId, spanId } of ids)
    assert.match(`${traceId} ${spanId}`, /^(?!0+ )[0-9a-f]{32} (?!0+$)[0-9a-f]{16}$/);
  assert.equal(new Set(ids.map(({ traceId }) => traceId)).size, 500);
  assert.deepEqual(spanIdsOf('a'), spanIdsOf('a'));
  assert.notEqual(childSpanId('a', 'gate'), childSpanId('a', 'upstream'));
});

test('the share is kept over ids that count up', () => {
  for (const percent of [1, 10, 50]) {
    let sampled = 0;
    for (let call = 0; call < 100_000; call += 1) {
      if (isOfShare(`0123456789ab-${call.toString(36)}`, percent * 10_000)) sampled += 1;
    }
    const found = sampled / 1000;
    assert.ok(Math.abs(found - percent) < 0.4 + percent / 50, `${found} % of ${percent} %`);
  }
  assert.equal(isOfShare('any', 0), false);
  assert.equal(isOfShare('any', 1_000_000), true);
});

test('the flag is the last bit', () => {
  assert.deepEqual(['00', '01', '02', '03', 'ff', 'fe'].map(isSampledFlag), [false, true, false, true, true, false]);
});
