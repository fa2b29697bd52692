import type { EndpointPlan, ProtocolName, ServicePlan, UpstreamPlan } from '../plan/index.ts';
import type { EndpointNode, HostPort, Located, ServiceBindingNode } from '../policy/index.ts';
import { isLoopback, printHostPort } from '../std/host-port.ts';
import { compileFamilies } from './families.ts';
import { compileMethods } from './methods.ts';
import type { Scope } from './scope.ts';
import { compileTraffic } from './traffic.ts';
import { compileVersions } from './versions.ts';

/** What is governed: the closed world of the policy. */
export function compileServices(scope: Scope): readonly ServicePlan[] {
  const { policy, report, services } = scope;
  const ruled = new Set(policy.rules.flatMap(({ at }) => at.map(({ value }) => value.split('/')[0])));
  return policy.services.map((node) => {
    const { name, protocol, families } = node;
    if (!ruled.has(name.value)) {
      const message = `no rule is about service \`${name.value}\`: nobody can call it`;
      report.add('HG2052', message, { span: name.span, severity: 'warning' });
    }
    const known = services.get(name.value);
    return {
      name: name.value,
      protocol: protocol.value,
      models: [...(known?.models ?? [])],
      ...compileFamilies(scope, families),
      ...(known && compileVersions(scope, known)),
      ...(known && compileMethods(scope, known)),
    };
  });
}

/** Where each service is served, in this environment. */
export function compileUpstreams(scope: Scope): readonly UpstreamPlan[] {
  const { policy, environment, report, services } = scope;
  const bindings = new Map(environment.services.map((binding) => [binding.name.value, binding]));
  for (const { name } of environment.services) {
    if (services.has(name.value)) continue;
    const message = `the policy declares no service \`${name.value}\``;
    report.add('HG2051', message, { span: name.span, hint: scope.hint(name.value, [...services.keys()]) });
  }
  for (const { name, protocol } of policy.services) {
    const binding = bindings.get(name.value);
    if (binding !== undefined && binding.endpoints.length > 0) continue;
    const message = `service \`${name.value}\` has no endpoints in environment \`${environment.name.value}\``;
    const example = protocol.value === 'grpc' ? '127.0.0.1:50051' : '{ rest: 127.0.0.1:8501 }';
    const hint = `bind it in ${environment.file}: services: { ${name.value}: { endpoints: [ ${example} ] } }`;
    const notes = [{ message: 'this environment', span: environment.name.span }];
    report.add('HG2050', message, { span: binding?.name.span ?? name.span, hint, notes });
  }
  return environment.services.map((binding) => compileUpstream(scope, binding));
}

function compileUpstream(scope: Scope, binding: ServiceBindingNode): UpstreamPlan {
  const { name, endpoints } = binding;
  const seen = new Map<string, Located<HostPort>>();
  const protocol = scope.services.get(name.value)?.node.protocol.value ?? 'tensorflow-serving';
  for (const endpoint of endpoints) {
    for (const address of writtenAddresses(endpoint)) checkAddress(scope, address, seen);
    checkSpoken(scope, endpoint, protocol);
  }
  return {
    service: name.value,
    endpoints: endpoints.map((endpoint) => endpointPlan(endpoint, protocol)),
    ...compileTraffic(scope, binding),
  };
}

function endpointPlan({ rest, grpc, plain, dns }: EndpointNode, protocol: ProtocolName): EndpointPlan {
  if (protocol === 'grpc') {
    const only = grpc ?? plain;
    return { ...(only && { grpc: only.value }), ...(dns && { dns }) };
  }
  const first = rest ?? plain;
  return { ...(first && { rest: first.value }), ...(grpc && { grpc: grpc.value }), ...(dns && { dns }) };
}

/** An endpoint has the address that its service is spoken to by, and no other. */
function checkSpoken({ report }: Scope, { span, rest, plain }: EndpointNode, protocol: ProtocolName): void {
  if (protocol === 'grpc') {
    if (rest === undefined) return;
    const hint = 'write the gRPC address alone: `127.0.0.1:50051`';
    report.add('HG2055', 'a service of protocol `grpc` has no REST address', { span: rest.span, hint });
  } else if (plain !== undefined) {
    const address = printHostPort(plain.value);
    const hint = `write \`{ rest: ${address} }\`, with \`grpc: …\` where it is spoken to in gRPC, too`;
    report.add('HG2055', `\`${address}\` doesn't say whether it is REST or gRPC`, { span, hint });
  } else if (rest === undefined) {
    const hint = 'add `rest: 127.0.0.1:8501`';
    report.add('HG2055', 'a service of protocol `tensorflow-serving` needs the REST address', { span, hint });
  }
}

function checkAddress(scope: Scope, address: Located<HostPort>, seen: Map<string, Located<HostPort>>): void {
  const text = printHostPort(address.value);
  const before = seen.get(text);
  seen.set(text, address);
  if (before !== undefined) {
    const notes = [{ message: 'first here', span: before.span }];
    scope.report.add('HG2053', `endpoint \`${text}\` is there twice`, { span: address.span, notes });
  }
  const listener = scope.environment.listeners.find((node) => isSame(node.address.value, address.value));
  if (listener === undefined) return;
  const notes = [{ message: `listener \`${listener.name.value}\``, span: listener.address.span }];
  scope.report.add('HG2054', `endpoint \`${text}\` is the gateway's own listener`, { span: address.span, notes });
}

function writtenAddresses({ rest, grpc, plain }: EndpointNode): readonly Located<HostPort>[] {
  return [rest, grpc, plain].filter((address) => address !== undefined);
}

/** Whether dialling the endpoint reaches what listens there: the same address, or both this machine and the same port. */
function isSame(listens: HostPort, endpoint: HostPort): boolean {
  if (listens.port !== endpoint.port) return false;
  if (listens.host === endpoint.host) return true;
  return isLoopback(endpoint.host) && (isLoopback(listens.host) || listens.host === '0.0.0.0' || listens.host === '::');
}
