import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { loadEngine, type RunningHeadgate, startHeadgate } from '../../src/control/index.ts';
import type { Feature } from '../../src/engines/engine.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { pointOfText, weight } from '../../src/traffic/index.ts';
import { until } from '../faults/harness/gateway.ts';
import { ServingReplica } from '../support/serving-replica.ts';
import { send } from './harness/client.ts';

/** Which replica a call goes to, on every engine that takes it up. */
const present = (process.env.HEADGATE_ENGINES?.split(',') ?? ['embedded', 'haproxy']) as EngineName[];
const withinMs = 40_000;
/** Calls of one sequence that may fail before its replica is known to be gone. */
const refusedMax = 20;

const policy = [
  'version: 1',
  'services:',
  '  scoring:',
  '    protocol: tensorflow-serving',
  '    models: { m: {}, dialogue: { sequence: { header: x-sequence-id } } }',
  'rules:',
  '  - { name: anyone predicts, allow: anyone, to: any, at: scoring/** }',
  '',
].join('\n');

interface Opened {
  readonly headgate: RunningHeadgate;
  /** Other endpoints, in the file. */
  write(replicas: readonly ServingReplica[]): Promise<void>;
  /** `200 127.0.0.1:8501` */
  call(model: string, fields?: readonly string[]): Promise<string>;
}

async function open(
  stack: AsyncDisposableStack,
  engine: EngineName,
  replicas: readonly ServingReplica[],
): Promise<Opened> {
  const folder = await mkdtemp(join(tmpdir(), 'hg-replicas-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const [policyFile, environmentFile] = [join(folder, 'headgate.yaml'), join(folder, 'dev.yaml')];
  const write = (with_: readonly ServingReplica[]): Promise<void> => {
    const endpoints = with_.map(({ name }) => `{ rest: ${name} }`).join(', ');
    const lines = [
      'version: 1',
      'environment: dev',
      `engine: ${engine}`,
      `state: ${folder}`,
      'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
      `services: { scoring: { endpoints: [ ${endpoints} ] } }`,
      `audit: { directory: ${folder}/audit, record: required }`,
      'admin: 127.0.0.1:0',
      '',
    ];
    return writeFile(environmentFile, lines.join('\n'));
  };
  await writeFile(policyFile, policy);
  await write(replicas);
  const options = { policyFile, environmentFile, log: () => undefined };
  const headgate = stack.adopt(await startHeadgate(options), (it) => it.stop(1000));
  const call = async (model: string, fields: readonly string[] = []): Promise<string> => {
    const { status, headers } = await send({
      port: headgate.addresses.public?.port ?? 0,
      method: 'POST',
      target: `/v1/models/${model}:predict`,
      headers: ['host', 'a', ...fields],
      body: '{"instances":[[1]]}',
    });
    const at = headers.indexOf('x-replica');
    return `${status} ${at < 0 ? '' : headers[at + 1]}`.trim();
  };
  return { headgate, write, call };
}

async function openReplicas(stack: AsyncDisposableStack, count: number): Promise<ServingReplica[]> {
  const replicas = await Promise.all(Array.from({ length: count }, () => ServingReplica.start()));
  return replicas.map((replica) => stack.use(replica).set('m', '1', 'AVAILABLE').set('dialogue', '1', 'AVAILABLE'));
}

/** The heaviest name with the value: `docs/decisions/0060-how-replicas-are-chosen.md`. */
function placeOf(id: string, replicas: readonly ServingReplica[]): string {
  const weightOf = ({ name }: ServingReplica): number => weight(pointOfText(id), pointOfText(name));
  return replicas.toSorted((one, other) => weightOf(other) - weightOf(one))[0]?.name ?? '';
}

for (const engine of present) {
  const { capabilities } = await loadEngine(engine);
  const takesUp = (feature: Feature): boolean => capabilities[feature] !== 'refused';
  describe(`replicas on ${engine}`, () => {
    if (takesUp('sequence')) testSequences(engine);
    if (takesUp('ejection')) testEjection(engine);
    if (takesUp('replicas-without-reload')) testEndpoints(engine);
  });
}

function testSequences(engine: EngineName): void {
  test('a sequence stays on its replica, which is the same on every engine', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 3);
    const { call } = await open(stack, engine, replicas);
    for (let turn = 0; turn < 60; turn += 1) {
      const id = `sequence-${turn % 20}`;
      assert.equal(await call('dialogue', ['x-sequence-id', id]), `200 ${placeOf(id, replicas)}`);
    }
  });

  test('its replica is gone: no call of it is tried elsewhere; once that is known, the next one by weight has it', async () => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 3);
    const { call } = await open(stack, engine, replicas);
    const [gone, ...staying] = replicas as [ServingReplica, ...ServingReplica[]];
    await gone[Symbol.asyncDispose]();
    for (let turn = 0; turn < 20; turn += 1) {
      const id = `sequence-${turn}`;
      const answer = (): Promise<string> => call('dialogue', ['x-sequence-id', id]);
      let got = await answer();
      // Which one is gone is known after some calls; until then, and where one of them is to find out whether it is back, they fail.
      for (let again = 0; got.startsWith('503') && again < refusedMax; again += 1) got = await answer();
      assert.equal(got, `200 ${placeOf(id, staying)}`);
    }
  });
}

function testEjection(engine: EngineName): void {
  test('a replica that fails is passed over for a while, and used again', async (t) => {
    await using stack = new AsyncDisposableStack();
    const [good, bad] = (await openReplicas(stack, 2)) as [ServingReplica, ServingReplica];
    const { call, headgate } = await open(stack, engine, [good, bad]);
    bad.failsWith = 503;
    const isEjected = async (): Promise<boolean> =>
      (await headgate.status()).running.endpoints.some((each) => each.isEjected === true && each.address === bad.name);
    const find = async (): Promise<boolean> => (await call('m')) !== '' && (await isEjected());
    await until(find, { what: 'it is passed over', withinMs });
    const before = bad.answered.get(503) ?? 0;
    for (let turn = 0; turn < 100; turn += 1) await call('m');
    const tried = (bad.answered.get(503) ?? 0) - before;
    bad.failsWith = undefined;
    await until(async () => (await call('m')) === `200 ${bad.name}`, { what: 'it is used again', withinMs });
    t.diagnostic(`passed over after ${before} failures; then ${tried} of 100 calls tried it`);
    assert.ok(tried <= 10);
  });
}

function testEndpoints(engine: EngineName): void {
  test('endpoints that come and go under load: no call fails', async (t) => {
    await using stack = new AsyncDisposableStack();
    const replicas = await openReplicas(stack, 3);
    const { call, headgate, write } = await open(stack, engine, replicas.slice(0, 1));
    const answers: string[] = [];
    let isOver = false;
    const running = Array.from({ length: 3 }, async () => {
      while (!isOver) answers.push(await call('m').catch((fault: Error) => fault.message));
    });
    stack.defer(async () => {
      isOver = true;
      await Promise.all(running);
    });
    for (let turn = 1; turn <= 6; turn += 1) {
      const wanted = replicas[turn % 3] as ServingReplica;
      await write([wanted]);
      const isIn = (): boolean => headgate.plan().upstreams[0]?.endpoints[0]?.rest?.port === wanted.port;
      await until(isIn, { what: 'it is taken up', withinMs });
      await until(async () => (await call('m')) === `200 ${wanted.name}`, { what: 'it gets the calls', withinMs });
    }
    const counted = Map.groupBy(answers, (answer) => answer);
    t.diagnostic([...counted].map(([answer, all]) => `${answer}×${all.length}`).join(', '));
    assert.deepEqual([...counted.keys()].toSorted(), replicas.map(({ name }) => `200 ${name}`).toSorted());
  });
}
