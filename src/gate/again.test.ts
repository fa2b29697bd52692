import assert from 'node:assert/strict';
import { test } from 'node:test';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import { createDecider } from '../decision/index.ts';
import type { StoredKey } from '../grants/index.ts';
import type { Identity } from '../identity/index.ts';
import type { AccessPlan, Plan, RulePlan } from '../plan/types.ts';
import { permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import { createAgain } from './again.ts';
import { issuePermit } from './permit.ts';
import type { GateAnswer, GateRequest } from './types.ts';

/** A Wednesday, 12:00 UTC. */
const noonMs = Date.UTC(2027, 0, 13, 12);
const clock = { nowMs: noonMs, now: () => clock.nowMs };
const alice: Identity = {
  provider: 'staff',
  kind: 'oidc',
  issuer: 'https://issuer.example',
  subject: 'alice',
  id: 'aaaaaaaaaaaaaaaaaaaaaa',
  groups: ['g'],
  expiresAtMs: noonMs + 60_000,
};
const robot: Identity = { ...alice, provider: 'keys', kind: 'apiKey', issuer: 'urn:headgate:keys', keyId: 'k1' };
const staff = {
  name: 'staff',
  kind: 'oidc',
  issuers: [alice.issuer],
  audience: ['headgate'],
  groupsClaim: ['groups'],
  algorithms: ['ES256'],
  types: [],
  skewSeconds: 0,
} as const;
const identities = [staff, { name: 'keys', kind: 'apiKeys' } as const];
const everywhere: Partial<RulePlan> = { resources: [{ service: 'scoring', segments: ['**'] }] };

function planOf(rule: Partial<RulePlan>, access: Partial<AccessPlan> = {}): Plan {
  const services = [{ name: 'scoring', protocol: 'grpc', models: [] } as const];
  return testPlan({ identities, services, rules: [testRule({ ...everywhere, ...rule })], ...access });
}

const request: GateRequest = {
  id: 'r-1',
  listener: 'public',
  method: 'POST',
  target: '/acme.Orders/Watch',
  authority: 'orders.test',
  headers: ['x-region', 'eu'],
  address: '192.0.2.7',
  message: {},
};

function permitOf(identity: Identity | undefined) {
  return issuePermit({
    operation: {
      service: 'scoring',
      protocol: 'grpc',
      name: 'call',
      action: 'call',
      grpc: true,
      resource: ['acme.Orders', 'Watch'],
      safe: false,
    },
    identity,
    callerId: identity?.id,
    rule: { index: 0, name: 'a rule', file: 'headgate.yaml', line: 31 },
    limits: [],
    upstreamPath: request.target,
    assertion: undefined,
    keepUntilMs: noonMs + 1000,
    epoch: 'before',
    asked: request,
  });
}

interface Asked {
  readonly identity?: Identity;
  readonly key?: Partial<StoredKey> | 'failing';
  readonly request?: GateRequest;
}

const relaying = { holds: () => true };

function again(plan: Plan, { identity, key, request: own }: Asked = {}): GateAnswer {
  const apiKeys =
    key === undefined
      ? undefined
      : {
          find(): StoredKey | undefined {
            if (key === 'failing') throw new Error('no store');
            return 'id' in key ? (key as StoredKey) : undefined;
          },
        };
  const decider = createDecider(plan.access);
  return createAgain({ plan, clock, apiKeys, decider, relaying, queueFacts: () => undefined })(permitOf(identity), own);
}

function reasonOf(answer: GateAnswer): string {
  return answer.kind === 'denial' ? `${answer.reason}: ${answer.detail}` : 'permit';
}

test('a call goes on while a rule allows it, and hears when to ask again', () => {
  const plan = planOf({});
  const answer = again(plan, { identity: alice });
  assert.ok(answer.kind === 'permit');
  const { keepUntilMs, epoch, identity, upstreamPath } = answer.fields;
  // The end of the token is none of the call's.
  assert.deepEqual(
    [keepUntilMs, epoch, identity, upstreamPath],
    [noonMs + permitKeptMsMax, plan.epoch, alice, request.target],
  );
});

test('it ends when its rule goes, its route, or another rule denies it', () => {
  assert.equal(reasonOf(again(planOf({}, { rules: [] }))), 'access-ended: no-rule-allows');
  assert.equal(reasonOf(again(planOf({ effect: 'deny' }))), 'access-ended: rule-denies');
  assert.equal(reasonOf(again({ ...planOf({}), listeners: [] })), 'access-ended: route-unknown');
});

test('it ends with a window', () => {
  const during = [{ days: [3], fromMinute: 720, toMinute: 721, zone: 'UTC' }] as const;
  const plan = planOf({ during });
  const answer = again(plan);
  assert.equal(answer.kind === 'permit' && answer.fields.keepUntilMs, noonMs + refusalKeptMsMax);
  clock.nowMs = noonMs + 60_000;
  assert.equal(reasonOf(again(plan)), 'access-ended: no-rule-allows');
  clock.nowMs = noonMs;
});

test('it ends with its token only where the rule says so', () => {
  const plan = planOf({ streamsUntil: 'expiry' });
  const answer = again(plan, { identity: alice });
  assert.equal(answer.kind === 'permit' && answer.fields.keepUntilMs, alice.expiresAtMs);
  clock.nowMs = alice.expiresAtMs;
  assert.equal(reasonOf(again(plan, { identity: alice })), 'credential-ended: expired');
  assert.equal(reasonOf(again(planOf({}), { identity: alice })), 'permit');
  clock.nowMs = noonMs;
});

test('it ends with what its caller is known by', () => {
  const plan = planOf({});
  const [, keys] = identities;
  assert.match(reasonOf(again(planOf({}, { identities: [] }), { identity: alice })), /^credential-ended/);
  const elsewhere = { ...staff, issuers: ['https://other.example'] };
  assert.match(reasonOf(again(planOf({}, { identities: [elsewhere] }), { identity: alice })), /^credential-ended/);
  assert.equal(reasonOf(again(planOf({}, { identities: [keys as never] }))), 'permit');
  assert.equal(reasonOf(again(plan, { identity: robot, key: { id: 'k1' } })), 'permit');
  assert.equal(reasonOf(again(plan, { identity: robot, key: { id: 'k1', endsMs: 1 } })), 'permit');
  assert.match(reasonOf(again(plan, { identity: robot, key: { id: 'k1', revokedMs: 5 } })), /^credential-ended/);
  assert.match(reasonOf(again(plan, { identity: robot, key: {} })), /^credential-ended/);
  // What is open goes on while the store can't be asked.
  assert.equal(reasonOf(again(plan, { identity: robot, key: 'failing' })), 'permit');
});

test('conditions read the call itself where it is at hand', () => {
  const reads = { headers: ['x-region'], address: true, time: false };
  const when = { cel: 'request.headers["x-region"] == "eu"', reads };
  const plan = planOf({ when, from: ['192.0.2.0/24'] }, { reads: { scoring: reads } });
  assert.equal(reasonOf(again(plan)), 'permit');
  assert.equal(reasonOf(again(plan, { request })), 'permit');
  assert.match(reasonOf(again(plan, { request: { ...request, address: '198.51.100.1' } })), /^access-ended/);
  assert.match(reasonOf(again(plan, { request: { ...request, headers: [] } })), /^access-ended/);
});
