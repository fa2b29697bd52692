import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { runCli } from './testing/run-cli.ts';

const folder = join(import.meta.dirname, '../../test/goldens/tests/methods');
const files = ['-p', join(folder, 'headgate.yaml'), '-e', join(folder, 'environments/dev.yaml')];

const explain = (as: string, call: string, ...more: string[]) =>
  runCli('explain', ...files, '--as', as, '--call', call, ...more);

test('explains a call of a method', async () => {
  for (const call of [
    'grpc orders/acme.orders.v1.Orders/Get',
    'grpc orders acme.orders.v1.Orders/Get',
    'grpc orders/acme.orders.v1.Orders/Get call',
  ]) {
    const { code, out } = await explain('staff:alice', call);
    assert.equal(code, 0, call);
    assert.match(out, /^allowed by “employees order” /);
    assert.match(out, /\n {2}what {4}call on orders\/acme\.orders\.v1\.Orders\/Get\n/);
  }
  const refused = await explain('staff:alice', 'grpc orders/acme.orders.v1.Archive/Get');
  assert.deepEqual([refused.code, /^refused: 403 no-rule-allows\./.test(refused.out)], [1, true], refused.out);
  const { operation } = JSON.parse(
    (await explain('staff:alice', 'grpc orders/acme.orders.v1.Orders/Watch', '--json')).out,
  );
  assert.deepEqual(operation.resource, ['acme.orders.v1.Orders', 'Watch']);
  assert.deepEqual([operation.action, operation.streaming, operation.safe], ['call', 'server', false]);
});

test('explains that a method is not there', async () => {
  const { code, out } = await explain('staff:alice', 'grpc orders/acme.orders.v1.Orders/Fetch');
  assert.equal(code, 1);
  assert.match(out, /^refused: 404 method-unknown\. The service has no such method\.\n/);
});

test('explains what is done to a service itself, and on another route', async () => {
  const platform = await explain('staff:bob', 'grpc orders reflect', '--groups', 'platform');
  assert.match(platform.out, /^allowed by “the platform looks around” /);
  assert.match((await explain('staff:bob', 'grpc orders health')).out, /^refused: 403 no-rule-allows\./);
  assert.match((await explain('anonymous', 'grpc chat/acme.Chat/Hello')).out, /^allowed by “anyone says hello” /);
});

test('says what it could be asked', async () => {
  const cases = [
    ['grpc odrers/acme.orders.v1.Orders/Get', /has no service odrers/],
    ['grpc orders predict', /orders has no gRPC call predict\n.*it has call, reflect, health/s],
    ['grpc orders', /orders has no gRPC call/],
    ['grpc orders/a.B/C call now', /can't be read/],
  ] as const;
  for (const [call, told] of cases) {
    const { code, err } = await explain('anonymous', call);
    assert.equal(code, 2, call);
    assert.match(err, told);
  }
});
