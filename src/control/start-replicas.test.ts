import assert from 'node:assert/strict';
import { test } from 'node:test';
import { send } from '../../test/conformance/harness/client.ts';
import { DnsServer } from '../../test/support/dns-server.ts';
import { ServingReplica } from '../../test/support/serving-replica.ts';
import type { RunningHeadgate } from './running.ts';
import { startHeadgate } from './start.ts';
import { eventually, openWorkshop, type Workshop } from './testing/workshop.ts';

const policy = [
  'version: 1',
  'services:',
  '  scoring:',
  '    protocol: tensorflow-serving',
  '    models: { m: { versions: [stable], sequence: { header: x-sequence-id } } }',
  'rules:',
  '  - { name: anyone predicts, allow: anyone, to: any, at: scoring/m }',
  '',
].join('\n');
const lateMs = 20_000;

function environmentText({ folder }: Workshop, endpoints: string, more = ''): string {
  return [
    'version: 1',
    'environment: dev',
    'engine: embedded',
    `state: ${folder}`,
    'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
    `services: { scoring: { endpoints: [ ${endpoints} ], models: { m: { stable: 3 } }${more} } }`,
    `audit: { directory: ${folder}/audit, record: required }`,
    'admin: 127.0.0.1:0',
    '',
  ].join('\n');
}

interface Opened {
  readonly workshop: Workshop;
  readonly headgate: RunningHeadgate;
  call(sequence?: string): Promise<string>;
}

async function open(
  stack: AsyncDisposableStack,
  environmentOf: (workshop: Workshop) => string,
  dnsServers?: readonly string[],
): Promise<Opened> {
  const workshop = stack.adopt(await openWorkshop(), (it) => it.close());
  await workshop.writePolicy(policy);
  await workshop.writeEnvironment(environmentOf(workshop));
  const options = { ...workshop, log: () => undefined, ...(dnsServers && { dnsServers }) };
  const headgate = stack.adopt(await startHeadgate(options), (it) => it.stop(1000));
  const call = async (sequence = ''): Promise<string> => {
    const { status, headers } = await send({
      port: headgate.addresses.public?.port ?? 0,
      method: 'POST',
      target: '/v1/models/m:predict',
      headers: ['host', 'a', 'x-sequence-id', sequence],
      body: '{"instances":[[1]]}',
    });
    return `${status} ${headers[headers.indexOf('x-replica') + 1]}`;
  };
  return { workshop, headgate, call };
}

test('a change of endpoints alone is no reload: what is kept stays', async () => {
  await using stack = new AsyncDisposableStack();
  const [first, second] = [stack.use(await ServingReplica.start()), stack.use(await ServingReplica.start())];
  for (const replica of [first, second]) replica.set('m', '3', 'AVAILABLE');
  const { workshop, headgate, call } = await open(stack, (it) => environmentText(it, `{ rest: ${first.name} }`));
  assert.equal(await call(), `200 ${first.name}`);
  const { keptDecisions } = (await headgate.status()).running;
  assert.ok(keptDecisions > 0);
  await workshop.writeEnvironment(environmentText(workshop, `{ rest: ${second.name} }`));
  await eventually(async () => (await headgate.status()).reload !== undefined, 'it is taken up', lateMs);
  const { reload, running } = await headgate.status();
  assert.deepEqual([reload?.outcome, reload?.message], ['taken', 'change taken up: endpoints']);
  assert.equal(headgate.plan().upstreams[0]?.endpoints[0]?.rest?.port, second.port);
  assert.equal(running.keptDecisions, keptDecisions);
  assert.equal(await call(), `200 ${second.name}`);
  // What is swapped in after it has the replicas of now.
  await workshop.writePolicy(policy.replace('to: any', 'to: [predict, status]'));
  await eventually(
    async () => (await headgate.status()).reload?.message.includes('access') ?? false,
    'it is swapped',
    lateMs,
  );
  assert.equal(await call(), `200 ${second.name}`);
});

test('names, health and sequences as they are written', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await DnsServer.start());
  const first = stack.use(await ServingReplica.start({ host: '127.0.0.2' }));
  const second = stack.use(await ServingReplica.start({ host: '127.0.0.3', port: first.port }));
  first.set('m', '3', 'AVAILABLE');
  second.set('m', '3', 'LOADING');
  server.names.set('models.test', ['127.0.0.2', '127.0.0.3']);
  const endpoints = `{ rest: dns:models.test:${first.port} }`;
  const health = ', health: { every: 200ms, rise: 1, fall: 2 }';
  const { headgate, call } = await open(stack, (it) => environmentText(it, endpoints, health), [server.address]);
  const ids = Array.from({ length: 20 }, (_, turn) => `sequence-${turn}`);
  for (const id of ids) assert.equal(await call(id), `200 ${first.name}`);
  const [, waiting] = (await headgate.status()).replicas.replicas;
  assert.deepEqual([waiting?.address, waiting?.waitsFor[0]?.what], [second.name, 'm/3']);
  second.set('m', '3', 'AVAILABLE');
  await eventually(async () => (await headgate.status()).replicas.replicas[1]?.waits === 0, 'it is there', lateMs);
  await eventually(async () => (await Promise.all(ids.map(call))).includes(`200 ${second.name}`), 'it is used', lateMs);
  const places = await Promise.all(ids.map(call));
  for (let turn = 0; turn < 5; turn += 1) assert.deepEqual(await Promise.all(ids.map(call)), places);
  assert.equal(new Set(places).size, 2);
});
