import type { IdentityPlan, OidcPlan } from '../plan/index.ts';
import type { ApiKeysNode, IdentityBindingNode, IdentityNode, Located, OidcNode } from '../policy/index.ts';
import { distinct, type Scope } from './scope.ts';

/** JWS algorithms accepted where the policy says nothing. Source: RFC 7518, RFC 8037; all asymmetric. */
const algorithmsDefault = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** `typ` headers accepted where the policy says nothing; `''` is none at all. Source: RFC 7519, RFC 9068. */
const typesDefault = ['jwt', 'at+jwt', ''];

/** How far clocks may be apart. Seconds. Source: RFC 7519, section 4.1.4, asks for no more than a few minutes. */
export const skewSeconds = 30;

/** Binds each identity of the policy to its root of trust. What is unbounded, on either side, is an error. */
export function compileIdentities(scope: Scope): readonly IdentityPlan[] {
  const { policy, environment, report, identities } = scope;
  const bindings = new Map(environment.identity.map((binding) => [binding.name.value, binding]));
  for (const { name } of environment.identity) {
    if (identities.has(name.value)) continue;
    const message = `the policy declares no identity \`${name.value}\``;
    report.add('HG2012', message, { span: name.span, hint: scope.hint(name.value, [...identities.keys()]) });
  }
  checkSharedIssuers(scope, environment.identity);
  checkOneOfKeys(scope);
  return policy.identity.filter(isOfCallers).map((node) => {
    const binding = bindings.get(node.name.value);
    return node.kind === 'oidc' ? compileOidc(scope, node, binding) : compileKeys(scope, node.name, binding);
  });
}

/** What other gateways say proves nobody: it is about a call whose caller is known already. */
function isOfCallers(node: IdentityNode): node is OidcNode | ApiKeysNode {
  return node.kind !== 'headgate';
}

/** The keys are in the store, not in the environment. */
function compileKeys(scope: Scope, name: Located<string>, binding: IdentityBindingNode | undefined): IdentityPlan {
  if (binding !== undefined) {
    const message = `identity \`${name.value}\` is of API keys and has no issuer`;
    const hint = 'remove it; `headgate key create` makes the keys of an environment';
    const notes = [{ message: 'the identity', span: name.span }];
    scope.report.add('HG2015', message, { span: binding.name.span, hint, notes });
  }
  return { name: name.value, kind: 'apiKeys' };
}

function checkOneOfKeys({ policy, report }: Scope): void {
  const [first, ...others] = policy.identity.filter(({ kind }) => kind === 'apiKeys');
  for (const { name } of others) {
    const notes = first && [{ message: 'the first one', span: first.name.span }];
    const hint = 'name the keys apart in the groups';
    const message = 'a second identity of API keys';
    report.add('HG2014', message, { span: name.span, hint, ...(notes && { notes }) });
  }
}

function compileOidc(scope: Scope, node: OidcNode, binding: IdentityBindingNode | undefined): OidcPlan {
  const name = node.name.value;
  checkBindingKind(scope, node.name, binding);
  if (binding === undefined || (binding.issuers.length === 0 && binding.gateways.length === 0)) {
    const message = `identity \`${name}\` has no issuer in environment \`${scope.environment.name.value}\``;
    const hint = `bind it in ${scope.environment.file}: identity: { ${name}: { issuer: https://… } }`;
    const notes = [{ message: 'this environment', span: scope.environment.name.span }];
    scope.report.add('HG2010', message, { span: binding?.name.span ?? node.name.span, hint, notes });
  }
  return {
    name,
    kind: 'oidc',
    issuers: distinct((binding?.issuers ?? []).map(({ value }) => value)),
    audience: distinct(node.audience.value),
    groupsClaim: node.groupsClaim.value.split('.'),
    algorithms: distinct(node.algorithms?.value ?? algorithmsDefault),
    types: distinct(node.types?.value ?? typesDefault),
    skewSeconds,
  };
}

function checkBindingKind({ report }: Scope, name: Located<string>, binding: IdentityBindingNode | undefined): void {
  const [gateway] = binding?.gateways ?? [];
  if (gateway === undefined) return;
  const notes = [{ message: 'the identity', span: name.span }];
  const message = `identity \`${name.value}\` is proven by an OpenID Provider, not by gateways`;
  report.add('HG2016', message, { span: gateway.issuer.span, hint: 'write `issuer: https://…`', notes });
}

interface Binding {
  readonly identity: IdentityNode | undefined;
  readonly issuer: Located<string>;
}

/** Behind one issuer, the audience tells which identity a token proves: one that two accept could be read two ways. */
function checkSharedIssuers(scope: Scope, bindings: readonly IdentityBindingNode[]): void {
  const seen = new Map<string, Binding[]>();
  for (const { name, issuers } of bindings) {
    for (const issuer of issuers) {
      const mine: Binding = { identity: scope.identities.get(name.value), issuer };
      const others = seen.get(issuer.value) ?? [];
      const rival = others.find((other) => other.identity !== mine.identity && sharesAudience(other, mine));
      if (rival !== undefined) reportShared(scope, rival, mine);
      seen.set(issuer.value, [...others, mine]);
    }
  }
}

function sharesAudience({ identity: left }: Binding, { identity: right }: Binding): boolean {
  if (left?.kind !== 'oidc' || right?.kind !== 'oidc') return false;
  return left.audience.value.some((audience) => right.audience.value.includes(audience));
}

function reportShared(scope: Scope, rival: Binding, { issuer }: Binding): void {
  const other = rival.identity?.name.value;
  const message = `issuer \`${issuer.value}\` proves identity \`${other}\` already, for the same audience`;
  const notes = [{ message: `bound to \`${other}\` here`, span: rival.issuer.span }];
  const hint = 'give them different audiences, or use one identity and tell its callers apart by group or client';
  scope.report.add('HG2013', message, { span: issuer.span, notes, hint });
}
