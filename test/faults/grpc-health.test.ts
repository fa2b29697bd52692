import assert from 'node:assert/strict';
import { copyFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { Client, credentials, type ServiceError } from '@grpc/grpc-js';
import { loadEngine } from '../../src/control/index.ts';
import type { EngineName } from '../../src/plan/types.ts';
import { openedHere } from '../support/opened.ts';
import { grpcStatus, type OrdersServer, ordersService, startOrders } from '../support/orders-server.ts';
import { readStatus } from '../support/rpc-status.ts';
import { FaultGateway, present, until } from './harness/gateway.ts';

/** Servers of grpc-js that say how they are by `grpc.health.v1`, behind the gateway as people run it. */
const engines: EngineName[] = [];
for (const name of present) if ((await loadEngine(name)).capabilities.grpc !== 'refused') engines.push(name);

/** Of conditions, on a busy machine. */
const lateMs = 40_000;

const policy = `
version: 1
services: { orders: { protocol: grpc, descriptors: file:orders.binpb } }
rules: [ { name: anyone orders, allow: anyone, to: call, at: orders/** } ]
`;
const descriptors = join(import.meta.dirname, '../support/descriptors/orders.binpb');
const health = 'health: { every: 200ms, rise: 1, fall: 2, service: acme.orders.v1.Orders }';

for (const engine of engines) describe(`health of gRPC services, on ${engine}`, () => suite(engine));

function suite(engine: EngineName): void {
  const opened = openedHere();
  let gateway: FaultGateway;
  let servers: readonly [OrdersServer, OrdersServer];
  let client: Client;

  before(async () => {
    const start = async (name: string) => opened.adopt(await startOrders({ name }), (it) => it.close());
    servers = [await start('one'), await start('two')];
    gateway = await FaultGateway.make({ engine, policy, bindings: bindingsOf(servers.map(({ port }) => port)) });
    opened.defer(() => gateway.remove());
    await copyFile(descriptors, join(dirname(gateway.policyFile), 'orders.binpb'));
    await gateway.start();
    client = new Client(`127.0.0.1:${gateway.port}`, credentials.createInsecure());
    opened.defer(() => client.close());
  });

  const bindingsOf = (ports: readonly number[]): string[] => {
    const endpoints = ports.map((port) => `127.0.0.1:${port}`).join(', ');
    return ['services:', `  orders: { endpoints: [ "${endpoints.replaceAll(', ', '", "')}" ], ${health} }`];
  };

  /** Name of the server that has answered. */
  function get(): Promise<string> {
    const { path, requestSerialize, responseDeserialize } = ordersService.Get ?? assert.fail('no Get');
    return new Promise((resolve, reject) => {
      client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { id: '7' }, (fault, order) => {
        if (fault === null) resolve((order as { id: string }).id);
        else reject(fault);
      });
    });
  }

  /** Who answers so many calls; a call that fails is told by its fault. */
  async function namesOf(count: number): Promise<string[]> {
    const names = new Set<string>();
    for (let made = 0; made < count; made += 1) names.add(await get().catch(({ message }: Error) => message));
    return [...names].toSorted();
  }

  /** State of each server, and why, as `headgate status` says it. */
  async function states(): Promise<Readonly<Record<string, string>>> {
    const { replicas } = JSON.parse((await gateway.page('/status')).text).replicas as {
      replicas: { address: string; state: string; why?: string }[];
    };
    const nameOf = (address: string) => servers.find(({ port }) => address.endsWith(`:${port}`))?.name ?? address;
    return Object.fromEntries(
      replicas.map(({ address, state, why }) => [nameOf(address), why === undefined ? state : `${state}: ${why}`]),
    );
  }

  const becomes = (expected: Readonly<Record<string, string>>) =>
    until(async () => JSON.stringify(await states()) === JSON.stringify(expected), {
      what: JSON.stringify(expected),
      withinMs: lateMs,
    });

  test('a server that says NOT_SERVING gets no calls, and gets them again once it serves', async () => {
    await becomes({ one: 'up', two: 'up' });
    await until(async () => (await namesOf(10)).join() === 'one,two', { what: 'both are called', withinMs: lateMs });
    const [, two] = servers;
    two.health = 'NOT_SERVING';
    await becomes({ one: 'up', two: 'down: it says NOT_SERVING' });
    // The engine hears of it a moment after the status shows it.
    await until(async () => (await namesOf(10)).join() === 'one', { what: 'it is called no more', withinMs: lateMs });
    const before = two.got.length;
    assert.deepEqual(await namesOf(40), ['one']);
    assert.equal(two.got.length, before);
    two.health = 'SERVING';
    await until(async () => (await namesOf(10)).join() === 'one,two', { what: 'it is called again', withinMs: lateMs });
    assert.deepEqual([...new Set(two.asked)], ['acme.orders.v1.Orders']);
  });

  test('where no server serves, a call is UNAVAILABLE, and says why', async () => {
    for (const server of servers) server.health = 'NOT_SERVING';
    const faultOf = () =>
      get().then(
        () => undefined,
        (fault: ServiceError) => fault,
      );
    await until(async () => (await faultOf())?.code === grpcStatus.UNAVAILABLE, {
      what: 'no server',
      withinMs: lateMs,
    });
    const [details] = (await faultOf())?.metadata.get('grpc-status-details-bin') ?? [];
    assert.equal(readStatus((details as Buffer).toString('base64')).info.reason, 'UPSTREAM_UNAVAILABLE');
    for (const server of servers) server.health = 'SERVING';
    await until(async () => (await faultOf()) === undefined, { what: 'they serve again', withinMs: lateMs });
  });

  test('a server without grpc.health.v1 is down, and status says what to do', async () => {
    const mute = opened.adopt(await startOrders({ hasHealth: false }), (it) => it.close());
    await gateway.writeBindings(bindingsOf([servers[0].port, mute.port]));
    const why = 'it has no grpc.health.v1.Health (UNIMPLEMENTED): add that to it, or take `health` away';
    await becomes({ one: 'up', [`127.0.0.1:${mute.port}`]: `down: ${why}` });
    await until(async () => (await namesOf(10)).join() === 'one', { what: 'it is not called', withinMs: lateMs });
  });

  test('a method that no descriptor names is UNIMPLEMENTED, and no server is asked', async () => {
    const before = servers.map(({ got }) => got.length);
    const same = (bytes: Buffer): Buffer => bytes;
    const fault = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest('/acme.orders.v1.Orders/Fetch', same, same, Buffer.alloc(0), (each) => resolve(each));
    });
    assert.equal(fault?.code, grpcStatus.UNIMPLEMENTED);
    const [details] = fault.metadata.get('grpc-status-details-bin');
    assert.equal(readStatus((details as Buffer).toString('base64')).info.reason, 'METHOD_UNKNOWN');
    assert.deepEqual(
      servers.map(({ got }) => got.length),
      before,
    );
  });
}
