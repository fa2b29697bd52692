import type { Identity } from '../../identity/types.ts';
import type { AccessPlan, CallerTermPlan, ConditionPlan, ResourcePattern, RulePlan } from '../../plan/types.ts';
import type { Operation } from '../../protocols/types.ts';
import type { RequestFacts } from '../types.ts';

/** One question to a decider. */
export interface Question {
  readonly operation: Operation;
  readonly identity: Identity | undefined;
  readonly facts: RequestFacts;
}

/** What conditions come to, without the library: the test states it for each text that it uses. */
export type Truth = (cel: string, question: Question) => boolean | 'error';

/** Reason and rule of the decision, found sentence by sentence as the design states it, rule by rule, without any index. */
export function naiveDecide(access: AccessPlan, question: Question, truth: Truth): string {
  const { operation } = question;
  // Models are a closed world: a model that the policy doesn't name is `resource-unknown`.
  const service = access.services.find(({ name }) => name === operation.service);
  if (!service?.models.some((model) => model === operation.model)) return 'resource-unknown';
  const candidates = access.rules.filter((rule) => isAbout(rule, operation) && isFor(access, rule, question.identity));
  // A deny beats every allow; `unless` only exempts from a deny.
  for (const rule of candidates) {
    if (rule.effect !== 'deny') continue;
    // An error in a condition: a deny matches.
    if (rule.when !== undefined && truth(rule.when.cel, question) === false) continue;
    if (rule.unless.some((part) => exempts(access, part, question, truth))) continue;
    return `rule-denies ${rule.name}`;
  }
  // Among allows the first that matches, in file order, decides. An error in a condition: an allow doesn't match.
  for (const rule of candidates) {
    if (rule.effect !== 'allow') continue;
    if (rule.when === undefined || truth(rule.when.cel, question) === true) return `rule-allows ${rule.name}`;
  }
  // Nothing is allowed that no rule allows.
  return 'no-rule-allows';
}

function exempts(
  access: AccessPlan,
  part: { readonly groups?: readonly string[]; readonly when?: ConditionPlan },
  question: Question,
  truth: Truth,
): boolean {
  if (part.groups !== undefined && !isInAny(access, part.groups, question.identity)) return false;
  return part.when === undefined || truth(part.when.cel, question) === true;
}

function isAbout({ actions, resources }: RulePlan, { service, action, resource }: Operation): boolean {
  if (actions.kind === 'actions' && !actions.names.includes(action)) return false;
  return resources.some((pattern) => pattern.service === service && matches(pattern, resource));
}

/** `*` stays within a segment; a last `**` is any rest of one or more segments. By regular expression. */
function matches({ segments }: ResourcePattern, resource: readonly string[]): boolean {
  const parts = segments.map((segment, index) => {
    if (segment === '**' && index === segments.length - 1) return '[^/]+(?:/[^/]+)*';
    return segment.replace(/[.+?^${}()|[\]\\]/g, '\\$&').replaceAll('*', '[^/]*');
  });
  return new RegExp(`^${parts.join('/')}$`).test(resource.join('/'));
}

function isFor(access: AccessPlan, { callers }: RulePlan, identity: Identity | undefined): boolean {
  return callers.kind === 'anyone' || isInAny(access, callers.names, identity);
}

function isInAny(access: AccessPlan, names: readonly string[], identity: Identity | undefined): boolean {
  if (identity === undefined) return false;
  return access.groups.some(
    ({ name, anyOf }) => names.includes(name) && anyOf.some(({ allOf }) => allOf.every((term) => fits(term, identity))),
  );
}

function fits(term: CallerTermPlan, identity: Identity): boolean {
  if (term.identity !== identity.provider) return false;
  if (term.subject && !term.subject.includes(identity.subject)) return false;
  if (term.group && !identity.groups.some((group) => term.group?.includes(group))) return false;
  return !term.client || (identity.client !== undefined && term.client.includes(identity.client));
}
