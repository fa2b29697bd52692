import type { RulePlan } from '../plan/index.ts';
import type { RuleNode } from '../policy/index.ts';
import { knownActions } from '../protocols/index.ts';
import { distinct, type Scope } from './scope.ts';

/** What a rule's `to` names: each must be an action of a service that the rule is about. */
export function compileActions(scope: Scope, rule: RuleNode): RulePlan['actions'] {
  const known = actionsOf(scope, rule);
  const any = rule.to.find(({ value }) => value === 'any');
  if (any !== undefined && rule.to.length > 1) {
    const message = '`any` is every action: it stands alone';
    scope.report.add('HG2005', message, { span: any.span, hint: 'write to: any, or the actions' });
  }
  for (const { value, span } of rule.to) {
    if (value === 'any' || known.length === 0 || known.includes(value)) continue;
    scope.report.add('HG2005', `unknown action \`${value}\``, { span, hint: scope.hint(value, known) });
  }
  return any === undefined ? { kind: 'actions', names: distinct(rule.to.map(({ value }) => value)) } : { kind: 'any' };
}

/** Of the services that are known: an unknown one has its own diagnostic. */
function actionsOf(scope: Scope, rule: RuleNode): readonly string[] {
  const services = distinct(rule.at.map(({ value }) => value.split('/')[0] ?? ''));
  const protocols = services.map((name) => scope.services.get(name)?.node.protocol.value);
  return distinct(protocols.flatMap((protocol) => (protocol === undefined ? [] : knownActions(protocol))));
}
