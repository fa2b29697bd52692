import { BlockList, isIP } from 'node:net';
import type { Identity } from '../../identity/types.ts';
import type {
  AccessPlan,
  CallerTermPlan,
  ConditionsPlan,
  ResourcePattern,
  RulePlan,
  UnlessPlan,
  WindowPlan,
} from '../../plan/types.ts';
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
    if (conditionsHold(rule, question, truth) === false) continue;
    if (rule.unless.some((part) => exempts(access, part, question, truth))) continue;
    return `rule-denies ${rule.name}`;
  }
  // Among allows the first that matches, in file order, decides. An error in a condition: an allow doesn't match.
  for (const rule of candidates) {
    if (rule.effect !== 'allow') continue;
    if (conditionsHold(rule, question, truth) === true) return `rule-allows ${rule.name}`;
  }
  // Nothing is allowed that no rule allows.
  return 'no-rule-allows';
}

function exempts(access: AccessPlan, part: UnlessPlan, question: Question, truth: Truth): boolean {
  if (part.groups !== undefined && !isInAny(access, part.groups, question.identity)) return false;
  return conditionsHold(part, question, truth) === true;
}

/** All of them: false where one is; else an error where one is in error. */
function conditionsHold(
  { via, from, during, when }: ConditionsPlan,
  question: Question,
  truth: Truth,
): boolean | 'error' {
  const { listener, address, nowMs } = question.facts;
  const came = [
    via === undefined || via.some((name) => name === listener),
    from === undefined || isFrom(from, address),
    during === undefined || during.some((window) => isWithin(window, nowMs)),
    when === undefined || truth(when.cel, question),
  ];
  return came.includes(false) ? false : came.includes('error') ? 'error' : true;
}

/** By node:net. */
function isFrom(ranges: readonly string[], address: string): boolean | 'error' {
  if (isIP(address) === 0) return 'error';
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits] = range.split('/');
    list.addSubnet(network, Number(bits), isIP(network) === 4 ? 'ipv4' : 'ipv6');
  }
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6');
}

/** Hour for hour back from now, to where the window opens: all of them are whole here. Tokyo has no summer time. */
function isWithin({ days, fromMinute, toMinute, zone }: WindowPlan, nowMs: number): boolean {
  const offsetMs = zone === 'Asia/Tokyo' ? 9 * 3_600_000 : 0;
  const length = fromMinute < toMinute ? toMinute - fromMinute : toMinute + 1440 - fromMinute;
  for (let back = 0; back < length; back += 60) {
    const clock = new Date(nowMs + offsetMs - back * 60_000);
    const isOpening = clock.getUTCHours() * 60 + clock.getUTCMinutes() === fromMinute;
    if (isOpening && days.some((day) => day === clock.getUTCDay())) return true;
  }
  return false;
}

function isAbout(rule: RulePlan, operation: Operation): boolean {
  const { actions, resources } = rule;
  const { service, action, resource } = operation;
  if (!isAboutVersion(rule, operation)) return false;
  if (actions.kind === 'actions' && !actions.names.includes(action)) return false;
  return resources.some((pattern) => pattern.service === service && matches(pattern, resource));
}

/** A number without a name is met by `any`, and by a deny that names none; one with a name by its name, and by what names none. */
function isAboutVersion({ effect, versions }: RulePlan, { version, versionName }: Operation): boolean {
  const isUnnamed = version !== undefined && versionName === undefined;
  if (versions === 'any') return true;
  if (versions === undefined) return !(isUnnamed && effect === 'allow');
  return versions.some((name) => name === versionName);
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
