import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rateLimitPolicy } from './rate-limit-policy.ts';

test('one member a limit, each with a name of its own', () => {
  const second = { count: 200, periodMs: 1000, burst: 400, per: 'caller' } as const;
  const hour = { count: 5, periodMs: 3_600_000, burst: 5, per: 'rule' } as const;
  assert.equal(rateLimitPolicy([second]), '"caller";q=200;w=1');
  assert.equal(rateLimitPolicy([second, hour]), '"caller";q=200;w=1,"rule";q=5;w=3600');
  assert.equal(rateLimitPolicy([second, { ...hour, per: 'caller' }]), '"caller";q=200;w=1,"caller-2";q=5;w=3600');
  assert.equal(rateLimitPolicy([]), '');
});
