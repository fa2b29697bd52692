import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type IncomingMessage, request } from 'node:http';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { RunningHeadgate } from './running.ts';
import { startHeadgate } from './start.ts';
import { eventually, openWorkshop, statusPolicy, type Workshop } from './testing/workshop.ts';

describe('a running Headgate', () => {
  let opened: AsyncDisposableStack;
  let workshop: Workshop;
  let headgate: RunningHeadgate;
  let lines: string[];

  beforeEach(async () => {
    opened = new AsyncDisposableStack();
    workshop = opened.adopt(await openWorkshop(), (it) => it.close());
    lines = [];
    headgate = await startHeadgate({ ...workshop, log: (line) => lines.push(line) });
    opened.defer(() => headgate.stop(1000));
  });

  afterEach(() => opened.disposeAsync());

  const call = async (path: string): Promise<number> => {
    const { host, port } = headgate.addresses.public ?? assert.fail('no listener');
    const response = await fetch(`http://${host}:${port}${path}`);
    await response.text();
    return response.status;
  };
  const admin = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://${headgate.admin.host}:${headgate.admin.port}${path}`, init);

  test('answers calls, and the operator', async () => {
    assert.equal(await call('/v1/models/m'), 200);
    assert.equal(await call('/v1/models/m/metadata'), 401);
    assert.equal((await admin('/livez')).status, 200);
    assert.equal((await admin('/readyz')).status, 200);
    const { keys } = (await (await admin('/.well-known/jwks.json')).json()) as { keys: { kty: string; d?: string }[] };
    assert.ok(keys.length > 0 && keys.every(({ d }) => d === undefined), 'public keys only');
    await headgate.flushAudit();
    const metrics = await (await admin('/metrics')).text();
    assert.match(metrics, /^headgate_requests_total\{.*status="200",outcome="allow"\} 1$/m);
    assert.match(metrics, /^headgate_requests_total\{.*status="401",outcome="deny"\} 1$/m);
    assert.match(metrics, /^headgate_audit_events_total 2$/m);
  });

  test('says what it is in /status', async () => {
    const status = (await (await admin('/status')).json()) as Record<string, unknown>;
    const { environment, engine, ready, epoch } = status;
    assert.deepEqual(
      { environment, engine, ready, epoch },
      { environment: 'dev', engine: 'embedded', ready: true, epoch: headgate.plan().epoch },
    );
  });

  test('answers nobody who takes it for another host', async () => {
    const { host, port } = headgate.admin;
    const statusOf = async (name: string): Promise<number | undefined> => {
      const sending = request({ host, port, path: '/status', headers: { host: name } }).end();
      const [response] = (await once(sending, 'response')) as [IncomingMessage];
      response.resume();
      return response.statusCode;
    };
    assert.equal(await statusOf(`localhost:${port}`), 200);
    assert.equal(await statusOf(`rebind.example:${port}`), 421);
    assert.equal(await statusOf('localhost'), 421);
  });

  test('refuses other pages and methods', async () => {
    assert.equal((await admin('/secrets')).status, 404);
    assert.equal((await admin('/__proto__')).status, 404);
    const post = await admin('/status', { method: 'POST' });
    assert.deepEqual([post.status, post.headers.get('allow')], [405, 'GET, HEAD']);
  });

  test('takes up a good change of the policy as a new epoch', async () => {
    const before = headgate.plan().epoch;
    await workshop.writePolicy(statusPolicy.replace('to: status', 'to: [status, metadata]'));
    await eventually(() => headgate.plan().epoch !== before, 'a new epoch');
    assert.equal(await call('/v1/models/m/metadata'), 200);
    assert.equal((await headgate.status()).reload?.outcome, 'taken');
  });

  test('ends only once the change that it is taking up is taken up', async () => {
    await workshop.writePolicy(statusPolicy.replace('status is for all', 'all may ask'));
    let outcome: string | undefined;
    const reloading = headgate.reload().then((status) => {
      outcome = status.outcome;
    });
    await headgate.stop(1000);
    assert.equal(outcome, 'taken');
    await reloading;
  });

  test('keeps the old policy where the new one is broken, and says so', async () => {
    const before = headgate.plan();
    await workshop.writePolicy(statusPolicy.replace('scoring/m', 'scorin/m'));
    await eventually(async () => (await headgate.status()).reload !== undefined, 'a reload');
    const { reload } = await headgate.status();
    assert.equal(reload?.outcome, 'rejected');
    assert.ok((reload?.diagnostics.length ?? 0) > 0);
    assert.equal(headgate.plan(), before);
    assert.equal(await call('/v1/models/m'), 200);
    assert.ok(
      lines.some((line) => line.includes('headgate.yaml:4')),
      lines.join('\n'),
    );
    await workshop.writePolicy(statusPolicy);
    await eventually(async () => (await headgate.status()).reload?.outcome === 'taken', 'the mended policy');
  });

  test('keeps the old policy where its file is gone', async () => {
    await workshop.writePolicy('');
    await eventually(async () => (await headgate.status()).reload?.outcome === 'rejected', 'a reload');
    assert.equal(await call('/v1/models/m'), 200);
  });

  test('asks for a restart where a change needs one', async () => {
    await workshop.writeEnvironment('');
    await eventually(async () => (await headgate.status()).reload?.outcome === 'rejected', 'a reload');
    const text = environmentOf(headgate, workshop).replace('environment: dev', 'environment: staging');
    await workshop.writeEnvironment(text);
    const message = async (): Promise<string> => (await headgate.status()).reload?.message ?? '';
    await eventually(async () => (await message()).includes('needs a restart'), 'a refusal');
    assert.match(await message(), /change of environment/);
  });
});

/** The workshop's environment again, from the Plan that runs. */
function environmentOf(headgate: RunningHeadgate, { folder }: Workshop): string {
  const { rest } = headgate.plan().upstreams[0]?.endpoints[0] ?? assert.fail('no endpoint');
  return [
    'version: 1',
    'environment: dev',
    'engine: embedded',
    `state: ${folder}`,
    'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
    `services: { scoring: { endpoints: [ { rest: ${rest?.host}:${rest?.port} } ] } }`,
    `audit: { directory: ${folder}/audit, record: required }`,
    'admin: 127.0.0.1:0',
    '',
  ].join('\n');
}

describe('starting', () => {
  test('is refused with every diagnostic where the files are broken', async (context) => {
    const workshop = await openWorkshop();
    context.after(() => workshop.close());
    await workshop.writePolicy(statusPolicy.replace('scoring/m', 'scorin/m').replace('to: status', 'to: stauts'));
    const lines: string[] = [];
    await assert.rejects(startHeadgate({ ...workshop, log: (line) => lines.push(line) }), { code: 'files-rejected' });
    assert.match(lines.join('\n'), /scorin[\s\S]*stauts|stauts[\s\S]*scorin/);
  });

  test('is refused where a file is missing, or is a folder', async (context) => {
    const workshop = await openWorkshop();
    context.after(() => workshop.close());
    const log = (): void => undefined;
    const missing = startHeadgate({ ...workshop, policyFile: `${workshop.folder}/none.yaml`, log });
    await assert.rejects(missing, { code: 'file-unreadable', message: /there is no such file/ });
    const folder = startHeadgate({ ...workshop, environmentFile: workshop.folder, log });
    await assert.rejects(folder, { code: 'file-unreadable', message: /not a file/ });
  });

  test('is refused where another one runs on the same state, before anything of its is touched', async (context) => {
    const workshop = await openWorkshop();
    context.after(() => workshop.close());
    const log = (): void => undefined;
    const first = await startHeadgate({ ...workshop, log });
    context.after(() => first.stop(500));
    await assert.rejects(startHeadgate({ ...workshop, log }), { code: 'state-taken' });
    await first.stop(500);
    await (await startHeadgate({ ...workshop, log })).stop(500);
  });

  test('leaves nothing behind where the admin address is taken', async (context) => {
    const workshop = await openWorkshop();
    context.after(() => workshop.close());
    const log = (): void => undefined;
    const first = await startHeadgate({ ...workshop, log });
    context.after(() => first.stop(500));
    const { port } = first.admin;
    await first.stop(500);
    const blocker = (await import('node:http')).createServer().listen(port, '127.0.0.1');
    context.after(() => blocker.close());
    const text = environmentOf(first, workshop).replace('admin: 127.0.0.1:0', `admin: 127.0.0.1:${port}`);
    await workshop.writeEnvironment(text);
    await assert.rejects(startHeadgate({ ...workshop, log }), { code: 'address-taken' });
    await workshop.writeEnvironment(environmentOf(first, workshop));
    const again = await startHeadgate({ ...workshop, log });
    await again.stop(500);
  });
});
