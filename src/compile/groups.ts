import type { CallerTermPlan, GroupPlan } from '../plan/index.ts';
import type { CallerNode, CallerTerm, GroupNode, IdentityNode } from '../policy/index.ts';
import { compileOwned } from './owned.ts';
import { distinct, type Scope } from './scope.ts';

/** Groups by the identities that prove who is in them. */
export function compileGroups(scope: Scope): readonly GroupPlan[] {
  checkUnused(scope);
  return scope.policy.groups.map((node) => compileGroup(scope, node));
}

function compileGroup(scope: Scope, node: GroupNode): GroupPlan {
  return {
    name: node.name.value,
    anyOf: node.anyOf.map((way) => ({ allOf: compileWay(scope, way) })),
    ...compileOwned(node),
  };
}

function compileWay(scope: Scope, way: CallerNode): readonly CallerTermPlan[] {
  const identities = distinct(way.allOf.map(({ identity }) => identity.value));
  if (identities.length > 1) {
    const message = `no caller is known through ${identities.map((name) => `\`${name}\``).join(' and ')} at once`;
    const hint = 'for callers known through either, write them as two items of the list';
    scope.report.add('HG2023', message, { span: way.span, hint });
  }
  return way.allOf.map((term) => compileTerm(scope, term));
}

function compileTerm(scope: Scope, term: CallerTerm): CallerTermPlan {
  const { identity, group, client } = term;
  if (!scope.identities.has(identity.value)) {
    const message = `unknown identity \`${identity.value}\``;
    const hint = scope.hint(identity.value, [...scope.identities.keys()]);
    scope.report.add('HG2001', message, { span: identity.span, hint });
  }
  const known = scope.identities.get(identity.value);
  if (known !== undefined) checkTerm(scope, term, known.kind);
  // A key's name is the subject of who calls with it.
  const subject = term.subject ?? term.keyName;
  return {
    identity: identity.value,
    ...(subject && { subject: distinct(subject.value) }),
    ...(group && { group: distinct(group.value) }),
    ...(client && { client: distinct(client.value) }),
  };
}

/** By what a caller is told hangs on the kind of identity. */
function checkTerm({ report }: Scope, term: CallerTerm, kind: IdentityNode['kind']): void {
  const { identity, any, subject, group, client, keyName } = term;
  const name = identity.value;
  if (kind === 'headgate') {
    const hint = 'name the callers by the identity that proves them';
    report.add('HG2024', `\`${name}\` is of gateways, which prove nobody that calls here`, {
      span: identity.span,
      hint,
    });
    return;
  }
  if (kind === 'apiKeys' && any) {
    const hint = `name each key: \`{ ${name}: { name: batch-scorer } }\``;
    report.add('HG2024', 'this would let in every key, also those that nobody named here', {
      span: identity.span,
      hint,
    });
  }
  const strange = kind === 'apiKeys' ? (subject ?? group ?? client) : keyName;
  if (strange === undefined) return;
  const [message, hint] =
    kind === 'apiKeys'
      ? [`\`${name}\` is of API keys, which have a name and nothing else`, `write \`{ ${name}: { name: … } }\``]
      : [`\`${name}\` is not of API keys`, 'write `subject`, `group` or `client`'];
  report.add('HG2024', message, { span: strange.span, hint });
}

function checkUnused(scope: Scope): void {
  const { policy, report } = scope;
  const named = new Set<string>();
  for (const { callers, unless } of policy.rules) {
    if (callers.value !== 'anyone') for (const { value } of callers.value) named.add(value);
    for (const { caller } of unless) for (const { value } of caller ?? []) named.add(value);
  }
  for (const { groups } of policy.identity.flatMap((node) => (node.kind === 'headgate' ? node.hops : [])))
    for (const { value } of groups) named.add(value);
  for (const { name } of policy.groups) {
    if (named.has(name.value)) continue;
    report.add('HG2021', `no rule names group \`${name.value}\``, { span: name.span, severity: 'warning' });
  }
  const used = new Set(policy.groups.flatMap(({ anyOf }) => anyOf.flatMap(({ allOf }) => allOf)).map(identityOf));
  for (const { name, kind } of policy.identity) {
    if (used.has(name.value) || kind === 'headgate') continue;
    report.add('HG2022', `no group names identity \`${name.value}\``, { span: name.span, severity: 'warning' });
  }
}

function identityOf({ identity }: CallerTerm): string {
  return identity.value;
}
