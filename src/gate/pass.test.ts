import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { loadGateKeys } from './keys.ts';
import { passMarginMs } from './limits.ts';
import { createPasses } from './pass.ts';
import { issuePermit, type PermitFields } from './permit.ts';

const nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs };
const state = await mkdtemp(join(tmpdir(), 'headgate-pass-'));
const other = await mkdtemp(join(tmpdir(), 'headgate-pass-'));
after(() => Promise.all([rm(state, { recursive: true }), rm(other, { recursive: true })]));
const keys = await loadGateKeys(state, clock);
const passes = createPasses({ keys, environment: 'prod' });
const now = { nowMs, epochs: ['0123456789abcdef'] };

const fields: PermitFields = {
  operation: {
    service: 'scoring',
    protocol: 'tensorflow-serving',
    name: 'predict',
    action: 'predict',
    grpc: true,
    resource: ['finance-prod'],
    model: 'finance-prod',
    version: '3',
    versionName: 'stable',
    versionBy: 'share',
    safe: true,
  },
  version: '3',
  identity: undefined,
  callerId: 'aXcMvJm0Qy2n1o7wq3b5dQ',
  rule: { index: 4, name: 'finance scores – ß', file: 'headgate.yaml', line: 31 },
  limits: [],
  upstreamPath: '/tensorflow.serving.PredictionService/Predict',
  assertion: undefined,
  keepUntilMs: nowMs + 60_000,
  epoch: '0123456789abcdef',
};
const pass = passes.seal(issuePermit(fields), nowMs);

test('a pass is redeemed for the permit, as far as it carries a call', () => {
  assert.match(pass, /^[\w-]+\.[\w-]{43}$/);
  for (let turn = 0; turn < 2; turn += 1) assert.deepEqual(passes.redeem(pass, now)?.fields, fields);
  assert.deepEqual(createPasses({ keys, environment: 'prod' }).redeem(pass, now)?.fields, fields);
});

test('what is left out of a permit is left out of the one that comes back', () => {
  const { version, ...unversioned } = fields;
  const operation = { ...fields.operation, grpc: undefined, model: undefined, versionBy: undefined };
  const bare = { ...unversioned, callerId: undefined, operation: JSON.parse(JSON.stringify(operation)) };
  assert.equal(version, '3');
  assert.deepEqual(passes.redeem(passes.seal(issuePermit(bare), nowMs), now)?.fields, bare);
});

test('the assertion, the limits and who the caller is stay where they are', () => {
  const identity = { ...{ provider: 'staff', kind: 'oidc' as const, issuer: 'https://idp', subject: 'ann' } };
  const full = { ...identity, id: 'i', groups: [], expiresAtMs: nowMs };
  const limits = [{ count: 1, periodMs: 1000, burst: 1, per: 'caller' as const }];
  const sealed = passes.seal(issuePermit({ ...fields, identity: full, assertion: 'eyJ', limits }), nowMs);
  assert.deepEqual(passes.redeem(sealed, now)?.fields, fields);
  assert.ok(!Buffer.from(sealed, 'base64url').toString().includes('ann'));
});

test('an altered pass is none, wherever it was altered', () => {
  for (let at = 0; at < pass.length; at += 3) {
    const altered = `${pass.slice(0, at)}${pass[at] === 'A' ? 'B' : 'A'}${pass.slice(at + 1)}`;
    assert.equal(passes.redeem(altered, now), undefined, `at ${at}`);
  }
  const [payload = '', mac = ''] = pass.split('.');
  const raised = Buffer.from(Buffer.from(payload, 'base64url').toString().replace('finance-prod', 'finance-dev'));
  const forged = ['', '.', 'a.b', payload, `${payload}.`, `${payload}.${mac.slice(0, 42)}`, `.${mac}`, `${pass}.x`];
  for (const text of [...forged, `${raised.toString('base64url')}.${mac}`]) {
    assert.equal(passes.redeem(text, now), undefined, text);
  }
});

test('a pass ends with its permit, with room for the way; one for a single call has that room alone', () => {
  const endMs = fields.keepUntilMs + passMarginMs;
  const fresh = createPasses({ keys, environment: 'prod' });
  assert.ok(fresh.redeem(pass, { ...now, nowMs: endMs - 1 }));
  assert.equal(fresh.redeem(pass, { ...now, nowMs: endMs }), undefined);
  const once = passes.seal(issuePermit({ ...fields, keepUntilMs: 0 }), nowMs);
  assert.ok(passes.redeem(once, { ...now, nowMs: nowMs + passMarginMs - 1 }));
  assert.equal(passes.redeem(once, { ...now, nowMs: nowMs + passMarginMs }), undefined);
});

test('a pass of another access, of another environment, of another gateway is none', async () => {
  assert.ok(passes.redeem(pass, { nowMs, epochs: ['fedcba9876543210', fields.epoch] }));
  assert.equal(passes.redeem(pass, { nowMs, epochs: ['fedcba9876543210'] }), undefined);
  assert.equal(passes.redeem(pass, { nowMs, epochs: [] }), undefined);
  assert.equal(createPasses({ keys, environment: 'dev' }).redeem(pass, now), undefined);
  const others = await loadGateKeys(other, clock);
  assert.equal(createPasses({ keys: others, environment: 'prod' }).redeem(pass, now), undefined);
});
