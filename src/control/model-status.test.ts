import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readModelStatus } from './model-status.ts';

const whole = {
  model_version_status: [
    { version: '3', state: 'AVAILABLE', status: { error_code: 'OK', error_message: '' } },
    { version: 4, state: 'LOADING' },
  ],
};

test('states by version, however a version is written', () => {
  const found = readModelStatus(200, JSON.stringify(whole));
  assert.deepEqual(found.kind === 'states' && [...found.states], [
    ['3', 'AVAILABLE'],
    ['4', 'LOADING'],
  ]);
  assert.deepEqual(readModelStatus(200, '{"model_version_status":[]}'), { kind: 'states', states: new Map() });
});

test('404 in JSON: it lives, and does not have the model; 404 of a page: it is something else', () => {
  assert.deepEqual(readModelStatus(404, '{"error":"Could not find any versions of model m"}'), { kind: 'missing' });
  assert.deepEqual(readModelStatus(404, '<h1>Not Found</h1>'), {
    kind: 'failed',
    why: 'it answers 404',
    isGone: false,
  });
});

test('whatever else is no answer', () => {
  for (const body of [
    '',
    'null',
    '[]',
    '{}',
    '"AVAILABLE"',
    '{"model_version_status":{}}',
    '{"model_version_status":[3]}',
  ]) {
    assert.deepEqual(readModelStatus(200, body), {
      kind: 'failed',
      why: 'its answer is no model status',
      isGone: false,
    });
  }
  assert.deepEqual(readModelStatus(500, '{}'), { kind: 'failed', why: 'it answers 500', isGone: false });
});
