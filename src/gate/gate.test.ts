import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { createLocalJWKSet, jwtVerify } from 'jose';
import { signToken, startStubIssuer, stubKey } from '../../test/support/stub-issuer.ts';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { Decision } from '../decision/types.ts';
import type { Identified, Identifier, Identity } from '../identity/types.ts';
import type { Plan } from '../plan/types.ts';
import { assertionLifetimeMs, credentialBytesMax, permitKeptMsMax, refusalKeptMsMax } from '../std/limits.ts';
import { createGate, type GateOptions } from './gate.ts';
import { type GateKeys, loadGateKeys } from './keys.ts';
import { assertionMarginMs } from './limits.ts';
import type { Denial, Gate, GateRequest } from './types.ts';
import { upstreamHeaders } from './upstream-headers.ts';

const nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs };
const alice: Identity = {
  provider: 'staff',
  kind: 'oidc',
  issuer: 'https://issuer.example',
  subject: 'alice',
  id: 'aaaaaaaaaaaaaaaaaaaaaa',
  groups: ['g'],
  expiresAtMs: nowMs + 3_600_000,
};

let folder: string;
let keys: GateKeys;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-gate-'));
  keys = await loadGateKeys(folder, clock);
});
after(() => rm(folder, { recursive: true }));

function identifierOf(found: Identified | Error): Identifier {
  return {
    async identify() {
      if (found instanceof Error) throw found;
      return found;
    },
    status: () => [],
  };
}

const anyone = testPlan({ rules: [testRule({})] });

function gate(found: Identified | Error, plan: Plan = anyone, more: Partial<GateOptions> = {}) {
  return createGate({ plan, keys, clock, identifier: identifierOf(found), ...more });
}

function request(changes: Partial<GateRequest> = {}): GateRequest {
  return {
    id: 'r-1',
    listener: 'public',
    method: 'POST',
    target: '/v1/models/m:predict?q=1',
    authority: 'localhost:8080',
    headers: ['Host', 'localhost:8080'],
    address: '192.0.2.7',
    ...changes,
  };
}

const anonymous: Identified = { kind: 'anonymous' };
const known: Identified = { kind: 'identity', identity: alice };

async function denied(
  changes: Partial<GateRequest>,
  found: Identified | Error = anonymous,
  plan?: Plan,
): Promise<Denial> {
  const answer = await gate(found, plan).check(request(changes));
  return answer.kind === 'denial' ? answer : assert.fail('permitted');
}

describe('a permit', () => {
  test('for anyone carries no identity and no assertion', async () => {
    const answer = await gate(anonymous).check(request());
    assert.ok(answer.kind === 'permit');
    const { identity, assertion, upstreamPath, rule, keepUntilMs, epoch } = answer.fields;
    assert.deepEqual(
      [identity, assertion, upstreamPath, rule.line],
      [undefined, undefined, '/v1/models/m:predict', 31],
    );
    assert.deepEqual([keepUntilMs, epoch], [nowMs + permitKeptMsMax, anyone.epoch]);
    assert.deepEqual(upstreamHeaders(answer, 'r-1', '192.0.2.7'), [
      ['x-headgate-request-id', 'r-1'],
      ['x-forwarded-for', '192.0.2.7'],
    ]);
  });

  test('for a known caller carries an assertion that its published keys verify', async () => {
    const one = gate(known);
    const answer = await one.check(request());
    assert.ok(answer.kind === 'permit' && answer.fields.assertion !== undefined);
    const { payload, protectedHeader } = await jwtVerify(
      answer.fields.assertion,
      createLocalJWKSet({ keys: [...one.jwks().keys] }),
      {
        issuer: 'urn:headgate:dev',
        audience: 'scoring',
        currentDate: new Date(nowMs),
      },
    );
    assert.equal(protectedHeader.alg, 'EdDSA');
    const { jti, ...claims } = payload;
    assert.match(String(jti), /^[\w-]{12}$/);
    assert.deepEqual(claims, {
      iss: 'urn:headgate:dev',
      sub: alice.id,
      aud: 'scoring',
      sub_id: { format: 'iss_sub', iss: alice.issuer, sub: 'alice' },
      identity: 'staff',
      groups: ['g'],
      iat: nowMs / 1000,
      nbf: nowMs / 1000,
      exp: (nowMs + assertionLifetimeMs) / 1000,
    });
    assert.deepEqual(upstreamHeaders(answer, 'r-1', '::1'), [
      ['x-headgate-request-id', 'r-1'],
      ['x-forwarded-for', '::1'],
      ['x-headgate-subject', 'alice'],
      ['x-headgate-issuer', 'https://issuer.example'],
      ['x-headgate-assertion', answer.fields.assertion],
    ]);
  });

  test('ends before the credential, its assertion and a condition that reads time', async () => {
    const until = async (identity: Identity, readsTime = false) => {
      const decision: Decision = {
        outcome: 'allow',
        reason: 'rule-allows',
        rule: anyone.access.rules[0] as never,
        limits: [],
        readsTime,
        readsQueue: false,
      };
      const decider = { decide: () => decision, explain: () => assert.fail() };
      const answer = await gate({ kind: 'identity', identity }, anyone, { decider }).check(request());
      return answer.kind === 'permit' ? answer.fields.keepUntilMs : assert.fail();
    };
    assert.equal(await until(alice), nowMs + permitKeptMsMax);
    assert.equal(await until(alice, true), nowMs + 1000);
    assert.equal(await until({ ...alice, expiresAtMs: nowMs + 60_000 }), nowMs + 60_000 - assertionMarginMs);
    assert.equal(await until({ ...alice, expiresAtMs: nowMs + 3_000 }), 0);
  });
});

describe('the order of refusals', () => {
  const bad: Identified = { kind: 'fault', fault: 'credential-expired', detail: 'exp has passed' };
  const long = `/v1//${'x'.repeat(5000)}`;
  const table: readonly [changes: Partial<GateRequest>, reason: string][] = [
    [{ authority: 'a@b', headers: [], target: long }, 'request-malformed'],
    [{ headers: ['host', 'localhost:8080', 'HOST', 'other'] }, 'request-malformed'],
    [{ headers: ['x'] }, 'request-malformed'],
    [{ method: 'A B', target: long }, 'request-malformed'],
    [{ id: 'a b', target: long }, 'request-malformed'],
    [{ target: long, headers: ['authorization', 'x'.repeat(credentialBytesMax + 1)] }, 'target-too-long'],
    [{ target: '/v1//x', headers: ['authorization', 'x'.repeat(credentialBytesMax + 1)] }, 'header-too-large'],
    [{ target: '/v1//x', headers: Array.from({ length: 202 }, () => 'x') }, 'header-too-large'],
    [{ target: '/v1//x', headers: ['x', 'x'.repeat(13_000)] }, 'header-too-large'],
    [{ listener: 'other', target: '/v1//x' }, 'path-not-canonical'],
    [{ listener: 'other', target: '/x' }, 'route-unknown'],
    [{ target: '/x' }, 'operation-unknown'],
    [{ method: 'PUT' }, 'method-not-allowed'],
    [{ target: '/v1/models/unheard:predict' }, 'credential-expired'],
    [{}, 'credential-expired'],
  ];
  for (const [changes, reason] of table) {
    test(`${JSON.stringify(changes).slice(0, 60)}: ${reason}`, async () => {
      const denial = await denied(changes, bad);
      assert.equal(denial.reason, reason);
      const isKept = !['request-malformed', 'target-too-long', 'header-too-large'].includes(reason);
      assert.equal(denial.keepUntilMs, isKept ? nowMs + refusalKeptMsMax : 0);
      assert.equal(denial.epoch, anyone.epoch);
    });
  }
});

describe('a denial', () => {
  const nobody = testPlan({});
  const deny = testPlan({ rules: [testRule({ effect: 'deny', name: 'closed' })] });

  test('asks those for a credential who are not known and whom nothing allows', async () => {
    assert.equal((await denied({}, anonymous, nobody)).reason, 'credential-missing');
    assert.equal((await denied({ target: '/v1/models/unheard:predict' })).reason, 'credential-missing');
  });
  test('tells a known caller why', async () => {
    assert.equal((await denied({}, known, nobody)).reason, 'no-rule-allows');
    assert.equal((await denied({ target: '/v1/models/unheard:predict' }, known)).reason, 'resource-unknown');
  });
  test('by a rule carries rule, operation and identity', async () => {
    const denial = await denied({}, known, deny);
    assert.deepEqual(
      [denial.reason, denial.rule?.name, denial.operation?.model, denial.identity?.subject],
      ['rule-denies', 'closed', 'm', 'alice'],
    );
    assert.equal((await denied({}, anonymous, deny)).reason, 'rule-denies');
  });
  test('carries the methods that are allowed', async () => {
    assert.deepEqual((await denied({ method: 'GET' })).allow, ['POST']);
  });
  test('that is no fault of the caller is not kept', async () => {
    const down: Identified = { kind: 'fault', fault: 'identity-unavailable', detail: '' };
    assert.equal((await denied({}, down)).keepUntilMs, 0);
    const fault = await denied({}, new Error('broken'));
    assert.deepEqual([fault.reason, fault.detail, fault.keepUntilMs], ['gate-fault', 'broken', 0]);
  });
});

test('conditions read the raw path, the bare host and joined headers', async () => {
  const plan = testPlan({
    rules: [
      testRule({
        when: {
          cel: 'request.headers["x-region"] == "eu, us" && request.host == "localhost" && request.path == "/v1/models/m:predict" && request.method == "POST"',
          reads: { headers: ['x-region'], address: false, time: false },
        },
      }),
    ],
  });
  const headers = ['X-Region', 'eu', 'host', 'LOCALHOST:8080', 'x-region', 'us'];
  const answer = await gate(anonymous, plan).check(request({ headers, authority: 'LocalHost:8080' }));
  assert.equal(answer.kind, 'permit', JSON.stringify(answer));
});

describe('a gate after a gate', () => {
  test('goes on with what the earlier one knows of its issuers', async () => {
    const key = stubKey('one');
    const issuer = await startStubIssuer([key]);
    const identity = {
      name: 'staff',
      kind: 'oidc',
      issuers: [issuer.url],
      groupsClaim: ['groups'],
      skewSeconds: 0,
    } as const;
    const plan = (audience: string) =>
      testPlan({ identities: [{ ...identity, audience: [audience], algorithms: ['ES256'], types: ['at+jwt'] }] });
    const token = signToken({ iss: issuer.url, sub: 'alice', aud: 'a', exp: nowMs / 1000 + 60 }, key);
    const ask = async (one: Gate) => {
      const answer = await one.check(request({ headers: ['authorization', `Bearer ${token}`] }));
      return answer.kind === 'denial' && [answer.reason, answer.identity?.subject, issuer.asked.length];
    };
    const first = createGate({ plan: plan('a'), keys, clock });
    assert.deepEqual(await ask(first), ['no-rule-allows', 'alice', 2]);
    const second = createGate({ plan: plan('a'), keys, clock, previous: first });
    assert.deepEqual(await ask(second), ['no-rule-allows', 'alice', 2]);
    assert.deepEqual(second.status(), first.status());
    const third = createGate({ plan: plan('b'), keys, clock, previous: second });
    assert.deepEqual(await ask(third), ['credential-audience', undefined, 2]);
    await issuer.close();
    const alone = createGate({ plan: plan('a'), keys, clock });
    assert.deepEqual(await ask(alone), ['identity-unavailable', undefined, 2]);
  });

  test('goes on with its assertions, unless the environment has another name', async () => {
    const assertionOf = async (one: Gate) => {
      const answer = await one.check(request());
      return answer.kind === 'permit' ? answer.fields.assertion : assert.fail();
    };
    const first = gate(known);
    const text = await assertionOf(first);
    assert.equal(await assertionOf(gate(known, anyone, { previous: first })), text);
    assert.notEqual(await assertionOf(gate(known, anyone)), text);
    assert.notEqual(await assertionOf(gate(known, { ...anyone, environment: 'prod' }, { previous: first })), text);
  });
});

test('a decision that allows without a rule is a fault, not a permit', async () => {
  const decision: Decision = {
    outcome: 'allow',
    reason: 'rule-allows',
    limits: [],
    readsTime: false,
    readsQueue: false,
  };
  const answer = await gate(known, anyone, { decider: { decide: () => decision, explain: () => assert.fail() } }).check(
    request(),
  );
  assert.equal(answer.kind === 'denial' && answer.reason, 'gate-fault');
});
