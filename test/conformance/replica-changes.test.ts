import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startHeadgate } from '../../src/control/index.ts';
import { eventually, openWorkshop, type Workshop } from '../../src/control/testing/workshop.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { DnsServer } from '../support/dns-server.ts';
import { ServingReplica } from '../support/serving-replica.ts';
import { send } from './harness/client.ts';
import { engines } from './harness/gateway.ts';

/** `scripts/test.ts` says which engines are there, and counts what is left out as not run. */
const asked = process.env.HEADGATE_ENGINES?.split(',');
const present = (Object.keys(engines) as EngineName[]).filter((name) => asked?.includes(name) ?? true);

const policy = `
version: 1
services: { scoring: { protocol: tensorflow-serving, models: { m: {} } } }
rules: [ { name: anyone predicts, allow: anyone, to: any, at: scoring/m } ]
`;
const lateMs = 20_000;

interface Opened {
  /** Puts these endpoints into the environment. */
  write(endpoints: string): Promise<void>;
  /** Status and replica of one call. */
  call(): Promise<string>;
  /** Ids of the engine's processes, and what was taken up last. */
  status(): Promise<{ readonly pids: readonly number[]; readonly taken: string | undefined }>;
}

async function open(
  stack: AsyncDisposableStack,
  {
    engine,
    endpoints,
    more = '',
    dnsServers,
  }: Readonly<Record<'engine' | 'endpoints', string>> & {
    readonly more?: string;
    readonly dnsServers?: readonly string[];
  },
): Promise<Opened> {
  const workshop = stack.adopt(await openWorkshop(), (it) => it.close());
  const write = (text: string): Promise<void> =>
    workshop.writeEnvironment(environmentText(workshop, engine, text, more));
  await workshop.writePolicy(policy);
  await write(endpoints);
  const options = { ...workshop, log: () => undefined, ...(dnsServers !== undefined && { dnsServers }) };
  const headgate = stack.adopt(await startHeadgate(options), (it) => it.stop(1000));
  return {
    write,
    async call() {
      const { status, headers } = await send({
        port: headgate.addresses.public?.port ?? 0,
        method: 'POST',
        target: '/v1/models/m:predict',
        headers: ['host', 'a'],
        body: '{"instances":[[1]]}',
      });
      return status === 200 ? `200 ${headers[headers.indexOf('x-replica') + 1]}` : String(status);
    },
    async status() {
      const { running, reload } = await headgate.status();
      return { pids: running.processes.map(({ pid }) => pid), taken: reload?.message };
    },
  };
}

function environmentText({ folder }: Workshop, engine: string, endpoints: string, more: string): string {
  return [
    'version: 1',
    'environment: dev',
    `engine: ${engine}`,
    `state: ${folder}`,
    'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
    `services: { scoring: { endpoints: [ ${endpoints} ]${more} } }`,
    `audit: { directory: ${folder}/audit, record: required }`,
    'admin: 127.0.0.1:0',
    '',
  ].join('\n');
}

for (const engine of present) {
  test(`other endpoints in the environment are no reload, on ${engine}`, async () => {
    await using stack = new AsyncDisposableStack();
    const [first, second] = [stack.use(await ServingReplica.start()), stack.use(await ServingReplica.start())];
    for (const replica of [first, second]) replica.set('m', '1', 'AVAILABLE');
    const { write, call, status } = await open(stack, { engine, endpoints: `{ rest: ${first.name} }` });
    assert.equal(await call(), `200 ${first.name}`);
    const { pids } = await status();
    await write(`{ rest: ${second.name} }`);
    await eventually(async () => (await status()).taken === 'change taken up: endpoints', 'it is taken up', lateMs);
    assert.equal(await call(), `200 ${second.name}`);
    assert.deepEqual((await status()).pids, pids);
  });

  test(`replicas come by their name, and one that is not well gets no calls, on ${engine}`, async () => {
    await using stack = new AsyncDisposableStack();
    const server = stack.use(await DnsServer.start());
    const first = stack.use(await ServingReplica.start({ host: '127.0.0.2' }));
    const second = stack.use(await ServingReplica.start({ host: '127.0.0.3', port: first.port }));
    for (const replica of [first, second]) replica.set('m', '1', 'AVAILABLE');
    server.names.set('models.test', ['127.0.0.2', '127.0.0.3']);
    const { call } = await open(stack, {
      engine,
      endpoints: `{ rest: dns:models.test:${first.port} }`,
      more: ', health: { every: 200ms, rise: 1, fall: 1 }',
      dnsServers: [server.address],
    });
    const places = async (): Promise<string> => {
      const answers: string[] = [];
      for (let turn = 0; turn < 6; turn += 1) answers.push(await call());
      return [...new Set(answers)].sort().join(', ');
    };
    const both = `200 ${first.name}, 200 ${second.name}`;
    await eventually(async () => (await places()) === both, 'both are used', lateMs);
    await second[Symbol.asyncDispose]();
    await eventually(async () => (await places()) === `200 ${first.name}`, 'one is left', lateMs);
  });
}
