import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isOwnHost } from './admin-host.ts';

const address = { host: '127.0.0.1', port: 9900 };

test('names of this machine, with the port', () => {
  for (const host of [
    '127.0.0.1:9900',
    'localhost:9900',
    'LocalHost:9900',
    '127.0.0.2:9900',
    '[::1]:9900',
    undefined,
  ]) {
    assert.ok(isOwnHost(host, address), host);
  }
  assert.ok(isOwnHost('[fe80::1]:9900', { host: 'fe80::1', port: 9900 }));
  for (const host of ['localhost', 'localhost:80']) assert.ok(isOwnHost(host, { host: '127.0.0.1', port: 80 }));
});

test('any other name, whatever it resolves to', () => {
  const others = [
    'rebind.example:9900',
    'localhost',
    'localhost:9901',
    '',
    ':9900',
    '127.0.0.1',
    '127.0.0.1.example:9900',
  ];
  const odd = ['localhost.:9900', 'xlocalhost:9900', '127.0.0.1:9900:9900', 'a@127.0.0.1:9900', '[::1:9900'];
  for (const host of [...others, ...odd]) assert.ok(!isOwnHost(host, address), host);
});
