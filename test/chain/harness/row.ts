import assert from 'node:assert/strict';
import type { EngineName } from '../../../src/plan/types.ts';
import { type Answer, field, send } from '../../conformance/harness/client.ts';
import { type Gateway, startGateway } from '../../conformance/harness/gateway.ts';
import { type CallerSpec, startTestIssuer, type TestIssuer } from '../../conformance/harness/issuer.ts';
import { type RecordingUpstream, startRecordingUpstream } from '../../conformance/harness/upstream.ts';
import { type GrpcUpstream, startGrpcUpstream } from '../../support/grpc-upstream.ts';
import { type KeyServer, startKeyServer } from './key-server.ts';

/** A gateway in a row, and the service behind it. */
export interface Station {
  readonly name: string;
  readonly gateway: Gateway;
  readonly upstream: RecordingUpstream;
  /** The same service over gRPC. */
  readonly grpc: GrpcUpstream;
  readonly keys: KeyServer;
}

/** Three gateways in a row, each with one service: edge with orders, core with ledger, inner with vault. */
export interface Row {
  readonly issuer: TestIssuer;
  readonly edge: Station;
  readonly core: Station;
  readonly inner: Station;
}

/** What a service was told of who calls. */
export interface Told {
  readonly assertion: string;
  /** The oldest first. */
  readonly chain: readonly string[];
  readonly subject: string | undefined;
  readonly issuer: string | undefined;
}

const policyOf = (service: string, relay = '') => `
version: 1
identity:
  staff: { oidc: { audience: headgate } }
${relay}
groups:
  everybody: { staff: any }
  orders-service: { staff: { client: orders } }
  ledger-service: { staff: { client: ledger } }
services:
  ${service}: { protocol: tensorflow-serving, models: [demo] }
rules:
  - { name: everybody calls, allow: everybody, to: any, at: ${service}/** }
  - { name: services call, allow: [orders-service, ledger-service], to: status, at: ${service}/** }
`;

/** Without what would never be reached. */
const policy = (service: string, hops?: string): string => {
  const relay = hops === undefined ? '' : `  relay: { headgate: { ${hops} } }`;
  const text = policyOf(service, relay).replace(/ {2}- \{ name: services call.*\n/, '');
  return hops === undefined ? text.replace(/ {2}(orders|ledger)-service:.*\n/g, '') : text;
};

export const hopsOfInner = 'hops: { orders: orders-service, ledger: ledger-service }, hopsMax: 2';
export const innerPolicy = (hops: string): string => policy('vault', hops);

export interface RowOptions {
  /** Lines for each of the services behind the edge. */
  readonly service?: readonly string[];
  readonly protocol?: 'tensorflow-serving' | 'grpc';
}

function policyText(service: string, hops: string | undefined, protocol: RowOptions['protocol']): string {
  const text = policy(service, hops);
  return protocol === 'grpc'
    ? text.replace('tensorflow-serving, models: [demo]', 'grpc').replace('to: any', 'to: call')
    : text;
}

/** Opens it: the edge on the embedded engine, what is behind it on the one that is asked for. */
export async function openRow(
  opened: AsyncDisposableStack,
  engine: EngineName,
  { service = [], protocol = 'tensorflow-serving' }: RowOptions = {},
): Promise<Row> {
  const issuer = opened.adopt(await startTestIssuer('headgate'), (it) => it.close());
  const station = async (
    name: string,
    of: string,
    { on, hops, believes }: { on: EngineName; hops?: string; believes: readonly Station[] },
  ): Promise<Station> => {
    const upstream = opened.adopt(await startRecordingUpstream(of), (it) => it.close());
    const grpc = opened.adopt(await startGrpcUpstream(), (it) => it.close());
    const gateways = believes.map((it) => `{ issuer: urn:headgate:${it.name}, keys: ${it.keys.url} }`);
    const own = hops === undefined ? [] : [`{ issuer: urn:headgate:${name} }`];
    const identity = hops === undefined ? [] : [`relay: { gateways: [${[...gateways, ...own].join(', ')}] }`];
    const bindings = {
      environment: name,
      issuers: [issuer.url],
      upstreamPorts: protocol === 'grpc' ? [] : [upstream.port],
      grpcPorts: [grpc.port],
      identity,
    };
    const started = await startGateway(on, policyText(of, hops, protocol), {
      ...bindings,
      serviceName: of,
      ...(on === engine && hops !== undefined && { service }),
    });
    const gateway = opened.adopt(started, (it) => it.stop());
    const keys = opened.adopt(await startKeyServer(gateway.folder), (it) => it.close());
    return { name, gateway, upstream, grpc, keys };
  };
  const edge = await station('edge', 'orders', { on: 'embedded', believes: [] });
  const hopsOfCore = 'hops: { orders: orders-service, ledger: ledger-service }';
  const core = await station('core', 'ledger', { on: engine, hops: hopsOfCore, believes: [edge] });
  const inner = await station('inner', 'vault', { on: engine, hops: hopsOfInner, believes: [edge, core] });
  return { issuer, edge, core, inner };
}

/** A call of a caller's own, with what it passes on. */
export async function call(
  row: Row,
  station: Station,
  caller: CallerSpec,
  passed: readonly string[] = [],
): Promise<Answer> {
  const credential = row.issuer.credential(caller, 'valid');
  return callWith(station, [...credential, ...passed]);
}

export function callWith({ gateway: { port } }: Station, headers: readonly string[]): Promise<Answer> {
  const target = '/v1/models/demo:predict';
  return send({ port, method: 'POST', target, headers, body: '{"instances":[[1]]}' });
}

/** What the service behind a station was told of a call that was let through. */
export function toldOf({ upstream }: Station, answer: Answer): Told {
  assert.equal(answer.status, 200, answer.body);
  const seen = upstream.seen.get(field(answer.headers, 'x-headgate-request-id') ?? '');
  assert.ok(seen !== undefined);
  const names = seen.headers.filter((text, index) => index % 2 === 0 && text.startsWith('x-headgate-'));
  assert.equal(new Set(names).size, names.length, `a field twice: ${names}`);
  const chain = field(seen.headers, 'x-headgate-chain');
  return {
    assertion: field(seen.headers, 'x-headgate-assertion') ?? assert.fail('no assertion'),
    chain: chain === undefined ? [] : chain.split(','),
    subject: field(seen.headers, 'x-headgate-subject'),
    issuer: field(seen.headers, 'x-headgate-issuer'),
  };
}

/** The fields that a service passes on, as they came. */
export function passedOn({ assertion, chain }: Told): string[] {
  return ['x-headgate-assertion', assertion, ...(chain.length === 0 ? [] : ['x-headgate-chain', chain.join(',')])];
}
