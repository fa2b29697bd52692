import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import { createVersions } from '../decision/index.ts';
import type { Identified } from '../identity/types.ts';
import type { Plan, ServicePlan } from '../plan/types.ts';
import { createGate } from './gate.ts';
import { type GateKeys, loadGateKeys } from './keys.ts';
import type { GateAnswer } from './types.ts';

const clock = { now: () => 1_800_000_000_000 };
let folder: string;
let keys: GateKeys;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-versions-'));
  keys = await loadGateKeys(folder, clock);
});
after(() => rm(folder, { recursive: true }));

const service: ServicePlan = {
  ...{ name: 'scoring', protocol: 'tensorflow-serving', models: ['m', 'n'] },
  versions: {
    m: [
      { name: 'stable', number: 3 },
      { name: 'canary', number: 4, sharePpm: 300_000 },
    ],
  },
};

const open = testRule({ resources: [{ service: 'scoring', segments: ['**'] }] });
const plan: Plan = {
  ...testPlan({ services: [service], rules: [open] }),
  listeners: [
    {
      ...{ name: 'public', address: { host: '127.0.0.1', port: 0 } },
      routes: [
        { pathPrefix: '/ml/v1', service: 'scoring', strip: true },
        { service: 'scoring', strip: false },
      ],
    },
  ],
};

function callerOf(id: string): Identified {
  const identity = {
    provider: 'staff',
    kind: 'oidc',
    issuer: 'https://i.example',
    subject: id,
    id,
    groups: [],
  } as const;
  return { kind: 'identity', identity: { ...identity, expiresAtMs: clock.now() + 3_600_000 } };
}

function ask(target: string, caller: Identified = { kind: 'anonymous' }, under: Plan = plan): Promise<GateAnswer> {
  const identifier = { identify: async () => caller, status: () => [] };
  const method = target.includes(':') ? 'POST' : 'GET';
  return createGate({ plan: under, keys, clock, identifier }).check({
    ...{ id: 'r-1', listener: 'public', method, target, authority: 'localhost', headers: [], address: '192.0.2.7' },
  });
}

/** Path, number, name and how they came about; or the reason of a refusal, with the same. */
async function told(...asked: Parameters<typeof ask>): Promise<string> {
  const answer = await ask(...asked);
  const { operation } = answer.kind === 'permit' ? answer.fields : answer;
  const { version, versionName, versionBy } = operation ?? {};
  const first = answer.kind === 'permit' ? answer.fields.upstreamPath : answer.reason;
  return [first, version, versionName, versionBy].filter((part) => part !== undefined).join(' ');
}

test('the upstream is asked for the number that was resolved', async () => {
  const table: [target: string, expected: string][] = [
    ['/v1/models/m:predict?q=1', '/v1/models/m/versions/3:predict 3 stable share'],
    ['/v1/models/m', '/v1/models/m/versions/3 3 stable share'],
    ['/v1/models/m/metadata', '/v1/models/m/versions/3/metadata 3 stable share'],
    ['/v1/models/m/versions/4:predict', '/v1/models/m/versions/4:predict 4 canary number'],
    ['/v1/models/m/labels/canary:predict', '/v1/models/m/versions/4:predict 4 canary label'],
    ['/v1/models/m/labels/canary/metadata', '/v1/models/m/versions/4/metadata 4 canary label'],
    ['/ml/v1/v1/models/m/labels/canary', '/v1/models/m/versions/4 4 canary label'],
    ['/ml/v1/v1/models/m:predict', '/v1/models/m/versions/3:predict 3 stable share'],
    ['/v1/models/n:predict', '/v1/models/n:predict'],
    ['/v1/models/n/versions/1:predict', 'credential-missing 1 number'],
    ['/v1/models/m/versions/9', 'credential-missing 9 number'],
  ];
  for (const [target, expected] of table) assert.equal(await told(target), expected, target);
});

test('a number is to be written into a message only where the caller sent none', async () => {
  const written = async (target: string): Promise<string | undefined> => {
    const answer = await ask(target);
    return answer.kind === 'permit' ? answer.fields.version : 'refused';
  };
  assert.equal(await written('/v1/models/m:predict'), '3');
  assert.equal(await written('/v1/models/m/labels/canary:predict'), '4');
  assert.equal(await written('/v1/models/m/versions/4:predict'), undefined);
  assert.equal(await written('/v1/models/n:predict'), undefined);
});

test('a label that no version has is refused once it is known who asks for it', async () => {
  const alice = callerOf('alice');
  assert.equal(await told('/v1/models/m/labels/next:predict', alice), 'version-unknown');
  assert.equal(await told('/v1/models/n/labels/stable:predict', alice), 'version-unknown');
  assert.equal(await told('/v1/models/x/labels/stable:predict', alice), 'resource-unknown');
  assert.equal(await told('/v1/models/m/labels/next:predict'), 'credential-missing');
  assert.equal(
    await told('/v1/models/m/labels/next:predict', { kind: 'fault', fault: 'credential-expired', detail: '' }),
    'credential-expired',
  );
  const answer = await ask('/v1/models/m/labels/next:predict', alice);
  assert.ok(answer.kind === 'denial' && answer.keepUntilMs > clock.now());
  assert.equal(answer.operation?.label, 'next');
});

test('each caller gets what the shares say, whenever and by whichever gate they ask', async () => {
  const versions = createVersions([service]);
  const seen = new Set<string>();
  for (let caller = 0; caller < 60; caller += 1) {
    const answer = await ask('/v1/models/m:predict', callerOf(`caller-${caller}`));
    assert.ok(answer.kind === 'permit');
    const { version, versionName, versionBy, ...asked } = answer.fields.operation;
    assert.equal(versions.resolve(asked, `caller-${caller}`)?.version, version);
    assert.equal(answer.fields.upstreamPath, `/v1/models/m/versions/${version}:predict`);
    assert.equal(answer.fields.version, version);
    seen.add(`${version} ${versionName} ${versionBy}`);
  }
  assert.deepEqual([...seen].toSorted(), ['3 stable share', '4 canary share']);
});
