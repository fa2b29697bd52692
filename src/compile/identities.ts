import type { OidcPlan } from '../plan/index.ts';
import type { IdentityBindingNode, IdentityNode, Located } from '../policy/index.ts';
import { distinct, type Scope } from './scope.ts';

/** JWS algorithms accepted where the policy says nothing. Source: RFC 7518, RFC 8037; all asymmetric. */
const algorithmsDefault = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** `typ` headers accepted where the policy says nothing; `''` is none at all. Source: RFC 7519, RFC 9068. */
const typesDefault = ['jwt', 'at+jwt', ''];

/** How far clocks may be apart. Seconds. Source: RFC 7519, section 4.1.4, asks for no more than a few minutes. */
const skewSeconds = 30;

/** Binds each identity of the policy to its root of trust. What is unbounded, on either side, is an error. */
export function compileIdentities(scope: Scope): readonly OidcPlan[] {
  const { policy, environment, report, identities } = scope;
  const bindings = new Map(environment.identity.map((binding) => [binding.name.value, binding]));
  for (const { name } of environment.identity) {
    if (identities.has(name.value)) continue;
    const message = `the policy declares no identity \`${name.value}\``;
    report.add('HG2012', message, { span: name.span, hint: scope.hint(name.value, [...identities.keys()]) });
  }
  checkSharedIssuers(scope, environment.identity);
  return policy.identity.map((node) => compileIdentity(scope, node, bindings.get(node.name.value)));
}

function compileIdentity(scope: Scope, node: IdentityNode, binding: IdentityBindingNode | undefined): OidcPlan {
  const name = node.name.value;
  if (binding === undefined || binding.issuers.length === 0) {
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
  return left?.audience.value.some((audience) => right?.audience.value.includes(audience)) === true;
}

function reportShared(scope: Scope, rival: Binding, { issuer }: Binding): void {
  const other = rival.identity?.name.value;
  const message = `issuer \`${issuer.value}\` proves identity \`${other}\` already, for the same audience`;
  const notes = [{ message: `bound to \`${other}\` here`, span: rival.issuer.span }];
  const hint = 'give them different audiences, or use one identity and tell its callers apart by group or client';
  scope.report.add('HG2013', message, { span: issuer.span, notes, hint });
}
