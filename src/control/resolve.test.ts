import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DnsServer } from '../../test/support/dns-server.ts';
import { systemClock } from '../std/clock.ts';
import { addressesMax, Names } from './resolve.ts';
import { eventually } from './testing/workshop.ts';

function open(server: DnsServer, stack: AsyncDisposableStack) {
  const log: string[] = [];
  const changes: string[] = [];
  const names = new Names({
    servers: [server.address],
    clock: systemClock,
    log: (line) => log.push(line),
    onChange: (name) => changes.push(name),
  });
  stack.defer(() => names.stop());
  return { names, log, changes };
}

test('addresses follow the name; when it fails the last ones stay, and that is said once', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DnsServer.start());
  server.names.set('models.test', ['127.0.0.3', '127.0.0.2']);
  const { names, log, changes } = open(server, stack);
  await names.watch(new Set(['models.test']));
  assert.deepEqual(names.addressesOf('models.test'), ['127.0.0.2', '127.0.0.3']);
  server.names.set('models.test', ['127.0.0.2', '127.0.0.4']);
  await eventually(() => names.addressesOf('models.test').includes('127.0.0.4'), 'the new address');
  assert.deepEqual(changes, ['models.test', 'models.test']);
  server.isFailing = true;
  await eventually(() => names.status()[0]?.fault !== undefined, 'the fault shows', 20_000);
  assert.deepEqual(names.status()[0]?.addresses, ['127.0.0.2', '127.0.0.4']);
  const asked = server.asked.length;
  await eventually(() => server.asked.length > asked + 2, 'it is asked again', 20_000);
  server.isFailing = false;
  await eventually(() => names.status()[0]?.fault === undefined, 'it is well again', 60_000);
  assert.equal(log.length, 2, log.join('\n'));
  assert.match(log[0] ?? '', /^the name models\.test can not be resolved \(E\w+\): its last addresses stay in use$/);
  assert.equal(log[1], 'the name models.test can be resolved again');
});

test('a name of /etc/hosts; a name that nobody knows; more addresses than are used', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DnsServer.start());
  const { names, log } = open(server, stack);
  server.names.set(
    'many.test',
    Array.from({ length: addressesMax + 5 }, (_, turn) => `10.0.${Math.floor(turn / 250)}.${(turn % 250) + 1}`),
  );
  await names.watch(new Set(['localhost', 'nowhere.test', 'many.test']));
  assert.equal(names.addressesOf('many.test').length, addressesMax);
  assert.match(log.join('\n'), /the name many\.test has more than 256 addresses: the rest is left out/);
  assert.ok(names.addressesOf('localhost').includes('127.0.0.1'));
  assert.deepEqual(names.addressesOf('nowhere.test'), []);
  assert.match(log.join('\n'), /the name nowhere\.test can not be resolved \(ENOTFOUND\): it has no replicas/);
});

test('what is watched no more is asked no more', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DnsServer.start());
  server.names.set('one.test', ['127.0.0.2']);
  server.names.set('two.test', ['127.0.0.2']);
  const { names } = open(server, stack);
  await names.watch(new Set(['one.test', 'two.test']));
  await names.watch(new Set(['two.test']));
  assert.deepEqual(
    names.status().map(({ name }) => name),
    ['two.test'],
  );
  server.asked.length = 0;
  await eventually(() => server.asked.filter((each) => each === 'A two.test').length >= 2, 'the other goes on');
  assert.ok(!server.asked.includes('A one.test'));
});
