import type { EndpointPlan, Plan, ProtocolName, UpstreamPlan } from './types.ts';

/** The first thing that does not hold of how calls are carried, as a sentence; undefined: all holds. */
export function brokenTraffic({ access, upstreams }: Plan): string | undefined {
  const known = new Map(access.services.map((service) => [service.name, service]));
  for (const upstream of upstreams) {
    const { models = [], protocol } = known.get(upstream.service) ?? {};
    const broken = brokenModels(upstream, new Set(models)) ?? brokenEndpoints(upstream, protocol);
    if (broken !== undefined) return broken;
  }
  return undefined;
}

function brokenModels({ service, models = {}, queue }: UpstreamPlan, known: ReadonlySet<string>): string | undefined {
  const named = [...Object.keys(models), ...Object.keys(queue?.models ?? {})];
  const stranger = named.find((name) => !known.has(name));
  if (stranger !== undefined) return `upstream ${service} names the unknown model ${stranger}`;
  const both = Object.entries(models).find(
    ([, { sequence, repeats }]) => sequence !== undefined && repeats !== undefined,
  );
  return both && `model ${both[0]} of ${service} keeps a sequence and coalesces repeats`;
}

function brokenEndpoints({ service, endpoints }: UpstreamPlan, protocol: ProtocolName | undefined): string | undefined {
  const isSpoken = ({ rest, grpc }: EndpointPlan): boolean =>
    protocol === 'grpc' ? rest === undefined && grpc !== undefined : rest !== undefined;
  if (!endpoints.every(isSpoken)) return `an endpoint of ${service} has not the address that its protocol needs`;
  const odd = endpoints.find((endpoint) => !isOneName(endpoint));
  return odd && `an endpoint of ${service} by DNS has two names`;
}

function isOneName({ rest, grpc, dns }: EndpointPlan): boolean {
  return dns === undefined || rest === undefined || grpc === undefined || grpc.host === rest.host;
}
