import type { RulePlan } from '../plan/index.ts';
import type { RuleNode } from '../policy/index.ts';
import { knownActions } from '../protocols/index.ts';
import { distinct, type Scope } from './scope.ts';

/** What a rule's `to` names: each must be an action of a service that the rule is about. */
export function compileActions(scope: Scope, rule: RuleNode): RulePlan['actions'] {
  const known = actionsOf(scope, rule);
  for (const { value, span } of rule.to) {
    if (value === 'any' || known.length === 0 || known.includes(value)) continue;
    scope.report.add('HG2005', `unknown action \`${value}\``, { span, hint: scope.hint(value, known) });
  }
  const names = distinct(rule.to.map(({ value }) => value));
  return names.includes('any') ? { kind: 'any' } : { kind: 'actions', names };
}

/** Of the services that are known: an unknown one has its own diagnostic. */
function actionsOf(scope: Scope, rule: RuleNode): readonly string[] {
  const services = distinct(rule.at.map(({ value }) => value.split('/')[0] ?? ''));
  const protocols = services.map((name) => scope.services.get(name)?.node.protocol.value);
  return distinct(protocols.flatMap((protocol) => (protocol === undefined ? [] : knownActions(protocol))));
}
