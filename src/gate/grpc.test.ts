import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { testPlan, testRule } from '../../test/support/test-plan.ts';
import type { RulePlan } from '../plan/types.ts';
import type { NamedModel } from '../wire/index.ts';
import { createGate } from './gate.ts';
import { type GateKeys, loadGateKeys } from './keys.ts';
import type { GateAnswer } from './types.ts';

const clock = { now: () => 1_800_000_000_000 };
let folder: string;
let keys: GateKeys;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'headgate-gate-'));
  keys = await loadGateKeys(folder, clock);
});
after(() => rm(folder, { recursive: true }));

const predict = '/tensorflow.serving.PredictionService/Predict';
const reload = '/tensorflow.serving.ModelService/HandleReloadConfigRequest';

function check(rules: readonly Partial<RulePlan>[], target: string, message?: NamedModel): Promise<GateAnswer> {
  const plan = testPlan({ rules: rules.map((rule, index) => testRule({ index, name: `rule ${index}`, ...rule })) });
  const request = { id: 'r', listener: 'public', method: 'POST', target, authority: 'h', headers: [], address: '::1' };
  return createGate({ plan, keys, clock }).check({ ...request, ...(message !== undefined && { message }) });
}

function told(answer: GateAnswer): string {
  return answer.kind === 'permit' ? answer.fields.rule.name : answer.reason;
}

test('decides by the model that the message names', async () => {
  const permit = await check([{}], predict, { model: 'm', version: '7' });
  assert.ok(permit.kind === 'permit');
  const { model, version, grpc } = permit.fields.operation;
  assert.deepEqual([model, version, grpc], ['m', '7', true]);
  assert.equal(permit.fields.version, undefined);
  assert.equal(told(await check([{}], predict, { model: 'n' })), 'credential-missing');
  assert.equal(told(await check([{}], predict, { model: 'nobody/knows' })), 'credential-missing');
});

test('refuses a label that nothing binds', async () => {
  assert.equal(told(await check([{}], predict, { model: 'm', label: 'stable' })), 'version-unknown');
});

test('knows no gRPC call that did not come as one', async () => {
  assert.equal(told(await check([{}], predict)), 'operation-unknown');
});

test('lets nobody do to the service what no rule names', async () => {
  const all = [{ service: 'scoring', segments: ['**'] }];
  const named = { kind: 'actions', names: ['reload-config'] } as const;
  assert.equal(told(await check([{ resources: all }], reload, {})), 'credential-missing');
  assert.equal(told(await check([{ resources: all, actions: named }], reload, {})), 'rule 0');
  assert.equal(told(await check([{ actions: named }], reload, {})), 'credential-missing', 'a rule about a model');
  const denied = await check(
    [
      { resources: all, actions: named },
      { effect: 'deny', resources: all },
    ],
    reload,
    {},
  );
  assert.equal(told(denied), 'rule-denies');
});
