import { matchesResource } from '../decision/index.ts';
import type { RulePlan } from '../plan/index.ts';
import type { RuleNode } from '../policy/index.ts';
import { isServiceAction, knownActions } from '../protocols/index.ts';
import { distinct, type Scope } from './scope.ts';

/** What a rule's `to` names: each must be an action of a service that the rule is about. */
export function compileActions(scope: Scope, rule: RuleNode): RulePlan['actions'] {
  const known = actionsOf(scope, rule);
  for (const { value, span } of rule.to) {
    if (value === 'any' || known.length === 0 || known.includes(value)) continue;
    scope.report.add('HG2005', `unknown action \`${value}\``, { span, hint: scope.hint(value, known) });
  }
  checkServiceActions(scope, rule);
  const names = distinct(rule.to.map(({ value }) => value));
  return names.includes('any') ? { kind: 'any' } : { kind: 'actions', names };
}

/** What is done to the service itself is done to nothing in it. */
function checkServiceActions(scope: Scope, rule: RuleNode): void {
  const hasService = rule.at.some(({ value }) => matchesResource(value.split('/').slice(1), []));
  if (hasService) return;
  for (const { value, span } of rule.to) {
    if (!isServiceAction(value)) continue;
    const service = rule.at[0]?.value.split('/')[0] ?? '';
    const message = `\`${value}\` is done to the service itself, not to anything in it`;
    scope.report.add('HG2027', message, { span, hint: `write a rule of its own for it, with \`at: ${service}/**\`` });
  }
}

/** Of the services that are known: an unknown one has its own diagnostic. */
function actionsOf(scope: Scope, rule: RuleNode): readonly string[] {
  const services = distinct(rule.at.map(({ value }) => value.split('/')[0] ?? ''));
  const protocols = services.map((name) => scope.services.get(name)?.node.protocol.value);
  return distinct(protocols.flatMap((protocol) => (protocol === undefined ? [] : knownActions(protocol))));
}
