import { type GatewayPlan, gatewayIssuer, type HopPlan, type RelayPlan } from '../plan/index.ts';
import type { GatewayNode, HopNode, IdentityBindingNode, RelayNode } from '../policy/index.ts';
import { chainHopsDefault } from '../std/limits.ts';
import { skewSeconds } from './identities.ts';
import { distinct, type Scope } from './scope.ts';

/** Whom this gateway believes when it says who a call is made for, and who may present that. undefined: nobody. */
export function compileRelays(scope: Scope): readonly RelayPlan[] | undefined {
  const nodes = scope.policy.identity.filter((node) => node.kind === 'headgate');
  if (nodes.length === 0) return undefined;
  const bindings = new Map(scope.environment.identity.map((binding) => [binding.name.value, binding]));
  const seen = new Map<string, GatewayNode>();
  return nodes.map((node) => {
    const binding = bindings.get(node.name.value);
    checkBound(scope, node, binding);
    const gateways = (binding?.gateways ?? []).map((gateway) => compileGateway(scope, gateway, seen));
    return {
      name: node.name.value,
      gateways,
      hops: node.hops.map((hop) => compileHop(scope, hop)),
      hopsMax: node.hopsMax?.value ?? chainHopsDefault,
      skewSeconds,
    };
  });
}

function checkBound(
  { environment, report }: Scope,
  { name }: RelayNode,
  binding: IdentityBindingNode | undefined,
): void {
  const [issuer] = binding?.issuers ?? [];
  const example = `{ gateways: [ { issuer: urn:headgate:edge, keys: https://… } ] }`;
  if (issuer !== undefined) {
    const message = `identity \`${name.value}\` is proven by gateways, not by an OpenID Provider`;
    const notes = [{ message: 'the identity', span: name.span }];
    report.add('HG2016', message, { span: issuer.span, hint: `write \`${example}\``, notes });
  } else if (binding === undefined || binding.gateways.length === 0) {
    const message = `identity \`${name.value}\` has no gateway in environment \`${environment.name.value}\``;
    const hint = `bind it in ${environment.file}: identity: { ${name.value}: ${example} }`;
    const notes = [{ message: 'this environment', span: environment.name.span }];
    report.add('HG2010', message, { span: binding?.name.span ?? name.span, hint, notes });
  }
}

function compileGateway(
  { environment, report }: Scope,
  gateway: GatewayNode,
  seen: Map<string, GatewayNode>,
): GatewayPlan {
  const { issuer, keys } = gateway;
  const first = seen.get(issuer.value);
  if (first !== undefined) {
    const notes = [{ message: 'the first time', span: first.issuer.span }];
    report.add('HG2017', `gateway \`${issuer.value}\` is bound a second time`, { span: issuer.span, notes });
  }
  seen.set(issuer.value, first ?? gateway);
  const isOwn = issuer.value === ownIssuer(environment);
  if (keys === undefined && !isOwn) {
    const hint = 'add `keys: https://…/.well-known/jwks.json`';
    report.add('HG2018', `gateway \`${issuer.value}\` has no keys`, { span: issuer.span, hint });
  }
  if (keys !== undefined && isOwn) {
    const message = `\`${issuer.value}\` is this gateway itself, which knows its keys`;
    const hint =
      'remove `keys`; where another gateway has this name, give one of the two `gateway: edge` in its environment';
    report.add('HG2018', message, { span: keys.span, hint });
  }
  return { issuer: issuer.value, ...(keys && { keys: keys.value }) };
}

function ownIssuer({ name, gateway }: Scope['environment']): string {
  return gatewayIssuer({ environment: name.value, ...(gateway && { gateway: gateway.value }) });
}

function compileHop({ groups: known, report, hint }: Scope, { service, groups }: HopNode): HopPlan {
  for (const { value, span } of groups) {
    if (known.has(value)) continue;
    report.add('HG2002', `unknown group \`${value}\``, { span, hint: hint(value, [...known.keys()]) });
  }
  return { audience: service.value, groups: distinct(groups.map(({ value }) => value)) };
}
