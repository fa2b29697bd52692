import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inheritedSockets } from './inherited-sockets.ts';

const listeners = ['public', 'mesh'];
const given = (LISTEN_FDS: string, LISTEN_FDNAMES?: string) => ({
  LISTEN_PID: '42',
  LISTEN_FDS,
  ...(LISTEN_FDNAMES !== undefined && { LISTEN_FDNAMES }),
});

test('sockets go to the listeners that they are named for, and the variables are gone', () => {
  const environment: NodeJS.ProcessEnv = given('3', 'public:mesh:public');
  assert.deepEqual(inheritedSockets(environment, { pid: 42, listeners }), { public: [3, 5], mesh: [4] });
  assert.deepEqual(environment, {});
});

test('what was meant for another process is not ours', () => {
  assert.deepEqual(inheritedSockets(given('1', 'public'), { pid: 43, listeners }), {});
  assert.deepEqual(inheritedSockets({}, { pid: 42, listeners }), {});
});

test('a socket of nobody is a mistake', () => {
  for (const environment of [
    given('1', 'other'),
    given('1'),
    given('2', 'public'),
    given('many', 'public'),
    given('-1'),
  ]) {
    assert.throws(() => inheritedSockets({ ...environment }, { pid: 42, listeners }), { code: 'start-failed' });
  }
});
