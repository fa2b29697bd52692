import assert from 'node:assert/strict';
import { test } from 'node:test';
import { carriedText, type HowCarried, readCarried } from './assisted-fields.ts';

test('how a call was carried goes into one text and comes back', () => {
  const whole: HowCarried = {
    reason: 'queue-full',
    endpoint: '[::1]:8501',
    upstreamMs: 12.346,
    queueMs: 500,
    tries: 2,
    grpcStatus: 14,
    leader: '4f1a.1-12ab',
  };
  for (const how of [whole, {}, { endpoint: 'models.internal:8501', queueMs: 0.125 }]) {
    const text = carriedText(how);
    assert.match(text, /^[!#-[\]-~]+$/);
    assert.deepEqual(readCarried(text), how);
  }
});

test('what is no such text says nothing, and nothing in it can break a line', () => {
  for (const text of ['', '-', 'a;b', `${carriedText({})};`, carriedText({}).replace(/^-/, '-"')]) {
    assert.equal(readCarried(text), undefined, text);
  }
  assert.match(carriedText({ endpoint: 'a\tb"c\\d\n' }), /^[!#-[\]-~]+$/);
  assert.equal(readCarried(carriedText({ endpoint: 'x' }).replace('-;x', 'no-reason;x'))?.reason, undefined);
});
