import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { decodeJwt } from 'jose';
import { startStubIssuer, stubKey } from '../../test/support/stub-issuer.ts';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { Identified, Identifier, Identity } from '../identity/types.ts';
import type { Plan, RelayPlan } from '../plan/types.ts';
import { createGate } from './gate.ts';
import { type GateKeys, loadGateKeys } from './keys.ts';
import { relayedGroupsBytesMax } from './limits.ts';
import { createRelaying } from './relaying.ts';
import type { GateAnswer, GateRequest } from './types.ts';
import { upstreamHeaders } from './upstream-headers.ts';

const nowMs = 1_800_000_000_000;
const clock = { now: () => nowMs };
let folder: string;
let keys: GateKeys;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-relaying-'));
  keys = await loadGateKeys(folder, clock);
});
after(() => rm(folder, { recursive: true }));

function caller(subject: string, changes: Partial<Identity> = {}): Identity {
  const id = `id-of-${subject}`;
  const base = {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'https://i',
    groups: [],
    expiresAtMs: nowMs + 3_600_000,
  } as const;
  return { ...base, subject, id, ...changes };
}

function identifierOf(identity: Identity | undefined): Identifier {
  const found: Identified = identity === undefined ? { kind: 'anonymous' } : { kind: 'identity', identity };
  return { identify: async () => found, status: () => [] };
}

/** One gateway in front of two services, which believes itself. */
const own: RelayPlan = {
  name: 'relay',
  gateways: [{ issuer: 'urn:headgate:dev' }],
  hops: [{ audience: 'scoring', groups: ['scorers'] }],
  hopsMax: 1,
  skewSeconds: 30,
};

function planOf(relay: RelayPlan): Plan {
  const reads = { headers: ['x-headgate-assertion', 'x-headgate-chain'], address: false, time: false };
  const model = { protocol: 'tensorflow-serving', models: ['m'] } as const;
  const plan = testPlan({
    relays: [relay],
    groups: [{ name: 'scorers', anyOf: [{ allOf: [{ identity: 'staff', subject: ['scorer'] }] }] }],
    services: ['scoring', 'vault'].map((name) => ({ name, ...model })),
    rules: [testRule({ resources: ['scoring', 'vault'].map((service) => ({ service, segments: ['**'] })) })],
    reads: { scoring: reads, vault: reads },
  });
  const routes = [
    { host: 'vault', service: 'vault', strip: false },
    { service: 'scoring', strip: false },
  ];
  return { ...plan, listeners: plan.listeners.map((listener) => ({ ...listener, routes })) };
}

function check(identity: Identity | undefined, host: string, passed: readonly string[] = [], relay = own) {
  const gate = createGate({ plan: planOf(relay), keys, clock, identifier: identifierOf(identity) });
  const request: GateRequest = {
    ...{ id: 'r', listener: 'public', method: 'POST', target: '/v1/models/m:predict', address: '192.0.2.7' },
    ...{ authority: host, headers: ['Host', host, ...passed] },
  };
  return gate.check(request);
}

/** Our fields that the service gets. */
function sentOf(answer: GateAnswer): string[] {
  assert.ok(answer.kind === 'permit', JSON.stringify(answer));
  return upstreamHeaders(answer, 'r', 'a')
    .filter(([name]) => /assertion|chain/.test(name))
    .flat();
}

function refusalOf(answer: GateAnswer): string {
  return answer.kind === 'denial' ? `${answer.reason}: ${answer.detail}` : 'permitted';
}

describe('a gateway that believes itself', () => {
  test('knows its own keys, and says for whom a service calls on', async () => {
    const passed = sentOf(await check(caller('ann'), 'scoring'));
    const answer = await check(caller('scorer'), 'vault', passed);
    const [, assertion = '', , chain] = sentOf(answer);
    assert.equal(chain, passed[1]);
    const { sub_id, act } = decodeJwt(assertion);
    assert.equal((sub_id as { sub: string }).sub, 'ann');
    assert.deepEqual(act, {
      iss: 'urn:headgate:dev',
      sub: 'id-of-scorer',
      sub_id: { format: 'iss_sub', iss: 'https://i', sub: 'scorer' },
      service: 'scoring',
    });
  });

  test('shares no answer between those for whom a service calls on, and counts limits by the service', async () => {
    const ids = await Promise.all(
      ['ann', 'bob'].map(async (name) => {
        const answer = await check(caller('scorer'), 'vault', sentOf(await check(caller(name), 'scoring')));
        assert.ok(answer.kind === 'permit');
        assert.equal(answer.fields.identity?.id, 'id-of-scorer');
        return answer.fields.callerId;
      }),
    );
    assert.equal(new Set([...ids, 'id-of-scorer', undefined]).size, 4);
  });

  test('ends open calls that may not be made for another any more', async () => {
    const passed = sentOf(await check(caller('ann'), 'scoring'));
    const answer = await check(caller('scorer'), 'vault', passed);
    assert.ok(answer.kind === 'permit' && answer.fields.relayed !== undefined);
    const { relayed } = answer.fields;
    const holds = (relay: RelayPlan, name = 'scorer'): boolean =>
      createRelaying({ plan: planOf(relay), keys, clock }).holds(relayed, caller(name));
    assert.equal(holds(own), true);
    assert.equal(holds(own, 'eve'), false);
    assert.equal(holds({ ...own, hops: [{ audience: 'vault', groups: ['scorers'] }] }), false);
    assert.equal(holds({ ...own, gateways: [{ issuer: 'urn:headgate:other', keys: 'http://127.0.0.1:1' }] }), false);
    assert.equal(createRelaying({ plan: testPlan({}), keys, clock }).holds(relayed, caller('scorer')), false);
  });

  test('ends loops and long chains', async () => {
    const passed = sentOf(await check(caller('ann'), 'scoring'));
    assert.equal(
      refusalOf(await check(caller('scorer'), 'scoring', passed)),
      'chain-loop: it has been at scoring already',
    );
    const further = sentOf(await check(caller('scorer'), 'vault', passed));
    const hops = [...own.hops, { audience: 'vault', groups: ['scorers'] }];
    const longer = { ...own, hops };
    assert.equal(refusalOf(await check(caller('scorer'), 'vault', further, longer)), 'chain-too-long: over 1 services');
    const loop = await check(caller('scorer'), 'vault', further, { ...longer, hopsMax: 5 });
    assert.equal(refusalOf(loop), 'chain-loop: it has been at vault already');
  });

  test('a kept permit ends before what it was made from does, and so does its assertion', async () => {
    const passed = sentOf(await check(caller('ann', { expiresAtMs: nowMs + 60_000 }), 'scoring'));
    const answer = await check(caller('scorer'), 'vault', passed);
    assert.ok(answer.kind === 'permit');
    assert.ok(answer.fields.keepUntilMs < nowMs + 60_000);
    assert.equal(decodeJwt(sentOf(answer)[1] ?? '').exp, (nowMs + 60_000) / 1000);
  });

  test('few groups of the first caller go along, and it is said that there are more', async () => {
    const groups = Array.from({ length: 40 }, (_, index) => `group-${index}`).sort();
    const passed = sentOf(await check(caller('ann', { groups }), 'scoring'));
    const claims = decodeJwt(sentOf(await check(caller('scorer'), 'vault', passed))[1] ?? '');
    assert.ok(JSON.stringify(claims.groups).length <= relayedGroupsBytesMax + 2);
    assert.equal(claims.groups_complete, false);
  });
});

describe('a gateway that another is bound to', () => {
  test('verifies nothing for who may present nothing, and says when keys cannot be had', async () => {
    const stub = await startStubIssuer([stubKey('e', 'EdDSA')]);
    const gateways = [{ issuer: 'urn:headgate:dev', keys: `${stub.url}/none` }];
    stub.answer = (_request, response) => response.writeHead(500).end();
    const passed = sentOf(await check(caller('ann'), 'scoring'));
    const bound = { ...own, gateways };
    assert.equal(
      refusalOf(await check(caller('eve'), 'vault', passed, bound)),
      'assertion-presenter: the caller is not in scorers',
    );
    assert.match(refusalOf(await check(undefined, 'vault', passed, bound)), /^assertion-presenter: /);
    assert.match(refusalOf(await check(caller('scorer'), 'vault', passed, bound)), /^identity-unavailable: /);
    const gate = createGate({ plan: planOf(bound), keys, clock, identifier: identifierOf(undefined) });
    const [status] = gate.status();
    assert.deepEqual([status?.identity, status?.issuer], ['relay', 'urn:headgate:dev']);
    await stub.close();
  });
});
