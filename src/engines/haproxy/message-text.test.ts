import assert from 'node:assert/strict';
import { test } from 'node:test';
import { namedIn } from './message-text.ts';

const grpc = { isHttp2: true, method: 'POST', headers: ['host', 'h', 'content-type', 'application/grpc+proto'] };

test('what the walk in Lua answers is read', () => {
  assert.deepEqual(namedIn('s finance-prod -', grpc), { model: 'finance-prod' });
  assert.deepEqual(namedIn('s v1 v3', grpc), { model: 'v1', version: '3' });
  assert.deepEqual(namedIn('t m lstable', grpc), { model: 'm', label: 'stable' });
  assert.deepEqual(namedIn('s m v9223372036854775807', grpc), { model: 'm', version: '9223372036854775807' });
});

test('where nothing was read nothing is named, but it is a gRPC call', () => {
  for (const text of ['n', '-', '', '~message-malformed', 's m', 's m x3', 's a b -', 's m v']) {
    assert.deepEqual(namedIn(text, grpc), {}, text);
  }
});

test('what is no gRPC call has no message, whatever is said of it', () => {
  const others = [
    { ...grpc, isHttp2: false },
    { ...grpc, method: 'GET' },
    { ...grpc, headers: [] },
    { ...grpc, headers: ['content-type', 'application/json', 'content-type', 'application/grpc'] },
  ];
  for (const each of others) assert.equal(namedIn('s m -', each), undefined);
});
