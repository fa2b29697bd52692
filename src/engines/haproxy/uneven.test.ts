import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ReplicaState } from '../engine.ts';
import { unevenModels } from './uneven.ts';

const replica = (isUp: boolean, ...lacks: string[]): ReplicaState => ({
  rest: { host: '127.0.0.1', port: 8501 },
  isUp,
  lacks,
});
const listed = (...replicas: ReplicaState[]) => {
  const { some, none } = unevenModels({ scoring: replicas });
  return [[...some], [...none]];
};

test('replicas that all have everything are even, also where one is down', () => {
  assert.deepEqual(listed(replica(true), replica(true)), [[], []]);
  assert.deepEqual(listed(replica(true), replica(false, 'm/3')), [[], []]);
  assert.deepEqual(unevenModels({}), { some: new Set(), none: new Set() });
});

test('a model is uneven where a replica that is up lacks it, or one of its versions', () => {
  assert.deepEqual(listed(replica(true), replica(true, 'm/3', 'n')), [['scoring/m', 'scoring/n'], []]);
});

test('what no replica has is named', () => {
  const both = [replica(true, 'm/3', 'm/4'), replica(true, 'm/3')];
  assert.deepEqual(listed(...both), [['scoring/m'], ['scoring/m/3']]);
  assert.deepEqual(listed(replica(false, 'm/3'), replica(false, 'm/3')), [[], []]);
});
