import type { Checked } from '../diagnostics/types.ts';
import { parseBytes } from '../std/bytes.ts';
import { type HostPort, parseHostPort } from '../std/host-port.ts';
import { bodyBytesMax } from '../std/limits.ts';
import { wholePpm } from '../std/share.ts';
import type { Cursor } from './cursor.ts';
import { parseFile } from './parse-file.ts';
import { duration, ppmNode, trafficNode } from './parse-traffic.ts';
import { type EnvironmentFile, environmentSchema } from './schema/environment.ts';
import { dnsPart } from './schema/traffic-checks.ts';
import type {
  BoundModelNode,
  BoundVersionNode,
  EndpointNode,
  Environment,
  GatewayNode,
  IdentityBindingNode,
  ListenerNode,
  Located,
  RouteNode,
  ServiceBindingNode,
  TelemetryNode,
} from './types.ts';

type Listener = EnvironmentFile['listeners'][number];
type Binding = NonNullable<EnvironmentFile['identity']>[string];
type Service = EnvironmentFile['services'][string];

/** Text of `environments/<name>.yaml` → Environment. As `parsePolicy`. */
export function parseEnvironment(text: string, file: string): Checked<Environment> {
  return parseFile({ text, file, schema: environmentSchema, kind: 'environment' }, (root: Cursor<EnvironmentFile>) => {
    const audit = root.need('audit');
    const telemetry = root.at('telemetry');
    const gateway = root.at('gateway')?.located();
    return {
      file,
      name: root.need('environment').located(),
      ...(gateway !== undefined && { gateway }),
      engine: root.need('engine').located(),
      listeners: root.need('listeners').many().map(listenerNode),
      identity: root.at('identity')?.entries().map(bindingNode) ?? [],
      services: root.need('services').entries().map(serviceNode),
      bounds: { bodyBytesMax: bodyBytes(root.at('bounds')?.at('body')) },
      audit: { directory: path(audit.need('directory')), record: audit.need('record').located() },
      admin: address(root.need('admin')),
      ...(telemetry !== undefined && { telemetry: telemetryNode(telemetry) }),
      state: optionalPath(root.at('state')) ?? { value: 'var', span: root.span },
    };
  });
}

function bodyBytes(cursor: Cursor<string> | undefined): number {
  const bytes = cursor === undefined ? bodyBytesMax : parseBytes(cursor.located().value);
  if (bytes === undefined) throw new TypeError('the schema let a malformed size pass');
  return bytes;
}

function telemetryNode(telemetry: Cursor<NonNullable<EnvironmentFile['telemetry']>>): TelemetryNode {
  const sample = telemetry.at('sample');
  const samplePpm = sample === undefined ? wholePpm : ppmNode(sample.located()).value;
  return { otlp: telemetry.need('otlp').located().value, samplePpm };
}

function optionalPath(cursor: Cursor<string> | undefined): Located<string> | undefined {
  return cursor && path(cursor);
}

/** A path may be written as the reference `file:PATH` too. */
function path(cursor: Cursor<string>): Located<string> {
  const { value, span } = cursor.located();
  return { value: value.replace(/^file:/, ''), span };
}

function address(cursor: Cursor<string>): Located<HostPort> {
  const { value, span } = cursor.located();
  const parsed = parseHostPort(dnsPart(value) ?? value);
  if ('fault' in parsed) throw new TypeError('the schema let a malformed address pass');
  return { value: parsed, span };
}

function listenerNode(listener: Cursor<Listener>): ListenerNode {
  const tls = listener.at('tls');
  const age = listener.at('connectionAge');
  const grace = age?.at('grace');
  return {
    span: listener.span,
    name: listener.need('name').located(),
    address: address(listener.need('address')),
    ...(tls && { tls: { certificate: path(tls.need('certificate')), key: path(tls.need('key')) } }),
    routes: listener.at('routes')?.many().map(routeNode) ?? [],
    ...(age && { connectionAge: { afterMs: duration(age.need('after')), ...(grace && { graceMs: duration(grace) }) } }),
  };
}

function routeNode(route: Cursor<NonNullable<Listener['routes']>[number]>): RouteNode {
  const host = route.at('host')?.located();
  const prefix = route.at('path')?.located();
  return {
    span: route.span,
    ...(host && { host: { value: host.value.toLowerCase(), span: host.span } }),
    ...(prefix && { path: prefix }),
    service: route.need('service').located(),
    strip: route.at('strip')?.located().value ?? false,
  };
}

function bindingNode({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Binding>;
}): IdentityBindingNode {
  const issuers = value.at('issuers') ?? value.at('issuer');
  return {
    name,
    issuers: (issuers?.many() ?? []).map((each) => each.located()),
    gateways: value.at('gateways')?.many().map(gatewayNode) ?? [],
  };
}

function gatewayNode(gateway: Cursor<NonNullable<Binding['gateways']>[number]>): GatewayNode {
  const keys = gateway.at('keys')?.located();
  return { issuer: gateway.need('issuer').located(), ...(keys && { keys }) };
}

function serviceNode({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Service>;
}): ServiceBindingNode {
  const models = value.at('models')?.entries().map(boundModelNode) ?? [];
  return { name, endpoints: value.need('endpoints').many().map(endpointNode), models, ...trafficNode(value) };
}

type Model = NonNullable<Service['models']>[string];

function boundModelNode({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Model>;
}): BoundModelNode {
  return { name, versions: value.entries().map(boundVersionNode) };
}

type Bound = Exclude<Model[string], number>;

function boundVersionNode({
  name,
  value,
}: {
  readonly name: Located<string>;
  readonly value: Cursor<Model[string]>;
}): BoundVersionNode {
  if (!value.isMap) return { name, number: (value as Cursor<number>).located() };
  const bound = value as Cursor<Bound>;
  const share = bound.at('share')?.located();
  return { name, number: bound.need('version').located(), ...(share && { share: ppmNode(share) }) };
}

function endpointNode(endpoint: Cursor<Service['endpoints'][number]>): EndpointNode {
  if (!endpoint.isMap) return plainEndpointNode(endpoint as Cursor<string>);
  const rest = endpoint.at('rest');
  const grpc = endpoint.at('grpc');
  const isName = [rest, grpc].some((each) => each !== undefined && dnsPart(each.located().value) !== undefined);
  return {
    span: endpoint.span,
    ...(rest && { rest: address(rest) }),
    ...(grpc && { grpc: address(grpc) }),
    ...(isName && { dns: true }),
  };
}

function plainEndpointNode(endpoint: Cursor<string>): EndpointNode {
  const isName = dnsPart(endpoint.located().value) !== undefined;
  return { span: endpoint.span, plain: address(endpoint), ...(isName && { dns: true }) };
}
