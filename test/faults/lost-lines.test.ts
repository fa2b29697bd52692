import assert from 'node:assert/strict';
import { Agent } from 'node:http';
import { connect, createServer } from 'node:net';
import { before, describe, test } from 'node:test';
import { readAudit, sentence, type UnrecordedEvent } from '../../src/audit/index.ts';
import { openedHere } from '../support/opened.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';
import { FaultIssuer } from './harness/issuer.ts';
import { type Caller, callOnce, Load } from './harness/load.ts';
import { freePort } from './harness/ports.ts';
import { type BadReplica, ReplicaProcess, startBadReplica } from './harness/replica.ts';
import { identityLine } from './harness/texts.ts';

const services = ['good', 'silent', 'reset', 'hinting'];

/** `condition`: what it reads of a request; another field is another configuration, and so another process. */
const policyOf = (condition = ''): string =>
  [
    'version: 1',
    'identity: { staff: { oidc: { audience: headgate } } }',
    'groups: { everybody: [ { staff: any } ] }',
    'services:',
    ...services.map((name) => `  ${name}: { protocol: tensorflow-serving, models: { demo: {} } }`),
    'rules:',
    ...services.map((name) => `  - { name: ${name} for all, allow: [everybody], to: any, at: ${name}/**${condition} }`),
    '',
  ].join('\n');

// The embedded engine answers each of these calls, and its audit says so: replicas.test.ts.
if (present.includes('haproxy')) describe('calls that leave no line, on haproxy', suite);

function suite(): void {
  const opened = openedHere();
  let issuer: FaultIssuer;
  let gateway: FaultGateway;
  let replica: ReplicaProcess;

  before(async () => {
    issuer = opened.adopt(await FaultIssuer.make(), (it) => it.down());
    await issuer.up();
    replica = opened.adopt(await ReplicaProcess.start(), (it) => it.kill9());
    const ports = [replica.port];
    for (const start of [() => startBadReplica('silent'), () => startBadReplica('reset'), startHintingReplica]) {
      ports.push(opened.adopt(await start(), (it) => it.close()).port);
    }
    const bound = services.map((name, index) => `  ${name}: { endpoints: [ { rest: 127.0.0.1:${ports[index]} } ] }`);
    const routes = services.map((name) => `{ path: /${name}/**, service: ${name}, strip: true }`);
    const bindings = [identityLine(issuer), 'services:', ...bound];
    gateway = await FaultGateway.make({ engine: 'haproxy', policy: policyOf(), bindings, routes });
    opened.defer(() => gateway.remove());
    await gateway.start();
  });

  const call = (service: string): Caller => ({
    port: gateway.port,
    target: `/${service}/v1/models/demo:predict`,
    headers: () => issuer.credential('alice'),
    pauseMs: 0,
  });

  const start = (count: number): Load[] => Array.from({ length: count }, () => opened.use(new Load(call('good'))));

  /** A good call, then one that its replica closes without an answer, on one connection. */
  async function lose(service: string): Promise<void> {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await callOnce(call('good'), agent)).status, 200);
    assert.equal((await callOnce(call(service), agent)).status, 0);
    agent.destroy();
  }

  async function found(): Promise<UnrecordedEvent[]> {
    const events: UnrecordedEvent[] = [];
    for await (const event of readAudit(gateway.auditDirectory)) if (event.kind === 'unrecorded') events.push(event);
    return events;
  }

  const countOf = (events: readonly UnrecordedEvent[]): number =>
    events.reduce((sum, { calls }) => sum + (calls ?? 0), 0);

  test('10,000 good calls, a reload, and clients that leave: no alarm', async (t) => {
    const loads = start(8);
    const made = (): number => loads.reduce((sum, { outcomes }) => sum + outcomes.length, 0);
    await until(() => made() > 3000, { what: '3000 calls', withinMs: 30_000 });
    await leave(gateway.port, issuer.credential('alice'));
    const [pid] = gateway.haproxyPids();
    await gateway.writePolicy(policyOf(`, when: '!("x-a" in request.headers)'`));
    await until(() => made() > 10_000, { what: '10,000 calls', withinMs: 60_000 });
    assert.notDeepEqual(gateway.haproxyPids(), [pid], 'no other process has come');
    await Promise.all(loads.map((load) => load.stop()));
    for (const name of ['silent', 'reset']) assert.equal((await callOnce(call(name))).status, 502);
    await new Promise((done) => setTimeout(done, 2500));
    t.diagnostic(`${made()} calls`);
    assert.deepEqual(await found(), []);
  });

  test('each of them is found, under load and when all is still, and none twice', async (t) => {
    const beforeMs = Date.now();
    await lose('silent');
    await until(async () => countOf(await found()) === 1, { what: 'one is found' });
    const loads = start(6);
    for (let turn = 0; turn < 7; turn += 1) await lose(turn % 2 === 0 ? 'silent' : 'reset');
    await until(async () => countOf(await found()) === 8, { what: 'eight are found, under load' });
    const outcomes = (await Promise.all(loads.map((load) => load.stop()))).flat();
    assert.ok(outcomes.every(({ status }) => status === 200));
    await new Promise((done) => setTimeout(done, 2500));
    const events = await found();
    assert.equal(countOf(events), 8);
    for (const event of events) {
      t.diagnostic(sentence(event));
      assert.equal(event.cause, 'no-answer');
      assert.deepEqual(event.listeners, ['public']);
      assert.ok(event.sinceMs >= beforeMs - 2000 && event.sinceMs <= event.untilMs && event.untilMs <= Date.now());
    }
    assert.match((await gateway.page('/metrics')).text, /^headgate_audit_unrecorded_calls_total 8$/m);
  });

  test('one on a process that drains is found before it goes', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await callOnce(call('good'), agent)).status, 200);
    const [old = 0] = gateway.haproxyPids();
    await gateway.writePolicy(policyOf(`, when: '!("x-c" in request.headers)'`));
    await until(() => gateway.haproxyPids().some((pid) => pid !== old), { what: 'another process' });
    assert.ok(gateway.haproxyPids().includes(old), 'it has gone already');
    assert.equal((await callOnce(call('silent'), agent)).status, 0);
    agent.destroy();
    await until(() => !gateway.haproxyPids().includes(old), { what: 'it goes' });
    await until(async () => countOf(await found()) === 9, { what: 'it is found' });
  });

  test('one just before the end is found, and verify reports all, not as damage', async () => {
    await lose('silent');
    await gateway.stop();
    assert.equal(countOf(await found()), 10);
    const { findings } = await gateway.audited();
    assert.ok(
      findings.length > 0 && findings.every((finding) => finding.startsWith('calls-unrecorded: ')),
      `${findings}`,
    );
    assert.ok(findings.some((text) => /^calls-unrecorded: 1 call on listener public ended between /.test(text)));
  });

  test('a HAProxy that is killed: it says that it can not be known', async () => {
    await gateway.start();
    const [pid = 0] = gateway.haproxyPids();
    process.kill(pid, 'SIGKILL');
    await until(async () => (await found()).some(({ cause }) => cause === 'killed'), { what: 'the event is there' });
    const event = (await found()).at(-1);
    assert.ok(event !== undefined && event.calls === null);
    assert.match(sentence(event), /went down between .* can't be known$/);
    await gateway.stop();
  });
}

/** A replica that sends interim answers for a while, and then none. */
async function startHintingReplica(): Promise<BadReplica> {
  const server = createServer((socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n'), 20);
    setTimeout(() => socket.destroy(), 2000).unref();
    socket.on('error', () => undefined).once('close', () => clearInterval(timer));
  });
  const port = await freePort();
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done));
  return { port, close: async () => void server.close() };
}

/** Clients that leave at every point of a call. */
async function leave(port: number, credential: readonly string[]): Promise<void> {
  const fields = credential.map((text, at) => (at % 2 === 0 ? `${text}: ` : `${text}\r\n`)).join('');
  const head = `POST /good/v1/models/demo:predict HTTP/1.1\r\nhost: a\r\n${fields}content-length: 18\r\n\r\n`;
  const whole = `${head}{"instances":[[1]]}`;
  const hinted = whole.replace('/good/', '/hinting/');
  const texts = [
    hinted,
    '',
    'P',
    head.slice(0, 40),
    head,
    head + whole.slice(-9),
    whole,
    whole + whole,
    'HELLO\r\n\r\n',
    '\r\n',
  ];
  const ends = ['destroy', 'resetAndDestroy', 'end'] as const;
  await Promise.all(
    [...Array(60).keys()].flatMap((turn) =>
      texts.map(async (text, index) => {
        const socket = connect(port, '127.0.0.1').on('error', () => undefined);
        await new Promise((done) => socket.once('connect', done).once('close', done));
        if (text !== '') socket.write(text);
        await new Promise((done) => setTimeout(done, text === hinted ? 60 : turn % 6));
        socket[ends[(turn + index) % 3] ?? 'end']();
        setTimeout(() => socket.destroy(), 2000).unref();
      }),
    ),
  );
}
