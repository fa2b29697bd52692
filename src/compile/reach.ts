import { matchesAction, matchesResource, matchesSegments } from '../decision/index.ts';
import {
  type AccessPlan,
  type CallerTermPlan,
  type GroupPlan,
  isConditional,
  type RulePlan,
  type ServicePlan,
} from '../plan/index.ts';
import { knownActions, serviceActions } from '../protocols/index.ts';

/** Most texts that one way into a group is written out as. */
const callersMax = 1000;

/**
 * A line for each model, caller and rule that could decide for them, sorted. An allow that an earlier one without
 * conditions, or a deny without exemptions, settles for the same group is left out: it reaches nothing. undefined: more
 * than `linesMax`.
 */
export function reachLines(access: AccessPlan, linesMax: number): readonly string[] | undefined {
  const callers = new Map(access.groups.map((group) => [group.name, callerTexts(group)]));
  const lines: string[] = [];
  for (const { at, rules, actions, ofModel } of access.services.flatMap((service) => placesOf(access, service))) {
    for (const { rule, group, named } of reached(rules, actions)) {
      const what = ofModel && named.length === actions.length ? 'any' : named.join(',');
      const by = `by “${rule.name}”${isConditional(rule) ? ', on conditions' : ''}${rule.unless.length > 0 ? ', with exemptions' : ''}`;
      const who = group === undefined ? ['anyone'] : (callers.get(group) ?? []).map((text) => `${text} (${group})`);
      for (const caller of who) lines.push(`${rule.effect} ${at} ${what}: ${caller} ${by}`);
      if (lines.length > linesMax) return undefined;
    }
  }
  return lines.sort();
}

/** What calls are made on, with the rules about it. */
interface Place {
  readonly at: string;
  readonly rules: readonly RulePlan[];
  readonly actions: readonly string[];
  readonly ofModel: boolean;
}

/** Each model, and the service itself where anyone could be allowed what is done to it. */
function placesOf({ rules }: AccessPlan, { name, protocol, models }: ServicePlan): readonly Place[] {
  const ofService = serviceActions(protocol);
  const actions = knownActions(protocol).filter((action) => !ofService.includes(action));
  const about = rulesByModel(rules, name, models);
  const places = models.map((model) => {
    return { at: `${name}/${model}`, rules: about.get(model) ?? [], actions, ofModel: true };
  });
  const own = rules.filter((rule) => isAboutService(rule, name, ofService));
  if (!own.some(({ effect }) => effect === 'allow')) return places;
  return [...places, { at: name, rules: own, actions: ofService, ofModel: false }];
}

function isAboutService(rule: RulePlan, name: string, actions: readonly string[]): boolean {
  const isThere = rule.resources.some(({ service, segments }) => service === name && matchesResource(segments, []));
  return isThere && actions.some((action) => matchesAction(rule, { action, resource: [] }));
}

/** In file order. */
function rulesByModel(
  rules: readonly RulePlan[],
  service: string,
  models: readonly string[],
): ReadonlyMap<string, readonly RulePlan[]> {
  const found = new Map<string, RulePlan[]>(models.map((model) => [model, []]));
  for (const rule of rules) {
    const patterns = rule.resources.filter((pattern) => pattern.service === service).map(({ segments }) => segments);
    const literal = patterns.every((segments) => segments.length === 1 && !segments[0]?.includes('*'));
    const named = literal
      ? patterns.map(([model = '']) => model)
      : models.filter((model) => patterns.some((segments) => matchesSegments(segments, [model])));
    for (const model of new Set(named)) found.get(model)?.push(rule);
  }
  return found;
}

interface Reach {
  readonly rule: RulePlan;
  /** undefined: anyone. */
  readonly group: string | undefined;
  readonly named: readonly string[];
}

function reached(rules: readonly RulePlan[], actions: readonly string[]): readonly Reach[] {
  const denied = new Settled();
  const allowed = new Settled();
  for (const rule of rules) if (rule.effect === 'deny' && isSettling(rule)) denied.add(rule, actionsOf(rule, actions));
  return rules.flatMap((rule) => {
    const groups = rule.callers.kind === 'anyone' ? [undefined] : rule.callers.names;
    const found = groups.map((group) => {
      const own = actionsOf(rule, actions);
      const isOpen = (action: string) => !denied.has(group, action) && !allowed.has(group, action);
      return { rule, group, named: rule.effect === 'deny' ? own : own.filter(isOpen) };
    });
    if (rule.effect === 'allow' && isSettling(rule)) allowed.add(rule, actionsOf(rule, actions));
    return found.filter(({ named }) => named.length > 0);
  });
}

/** Which actions are decided for which groups, whatever the call is like. */
class Settled {
  readonly #keys = new Set<string>();

  add({ callers }: RulePlan, actions: readonly string[]): void {
    const groups = callers.kind === 'anyone' ? [''] : callers.names;
    for (const group of groups) for (const action of actions) this.#keys.add(`${group}/${action}`);
  }

  has(group: string | undefined, action: string): boolean {
    return this.#keys.has(`/${action}`) || (group !== undefined && this.#keys.has(`${group}/${action}`));
  }
}

function isSettling(rule: RulePlan): boolean {
  return !isConditional(rule) && rule.unless.length === 0;
}

function actionsOf({ actions }: RulePlan, known: readonly string[]): readonly string[] {
  return actions.kind === 'any' ? known : known.filter((action) => actions.names.includes(action));
}

/** One text for each way into a group, and for each value of a list in it, so that one value is one line. */
function callerTexts({ anyOf }: GroupPlan): readonly string[] {
  return anyOf.flatMap(({ allOf }) => {
    const found = allOf.map(termTexts).reduce<readonly string[]>((ways, texts) => cross(ways, texts, ' and '), ['']);
    return found.length > callersMax ? [allOf.map(shortText).join(' and ')] : found;
  });
}

const kinds = ['subject', 'group', 'client'] as const;

function termTexts(term: CallerTermPlan): readonly string[] {
  const given = kinds.filter((kind) => term[kind] !== undefined);
  if (given.length === 0) return [`${term.identity} any`];
  const values = given.map((kind) => (term[kind] ?? []).map((value) => `${kind} ${JSON.stringify(value)}`));
  return values
    .reduce<readonly string[]>((ways, texts) => cross(ways, texts, ', '), [''])
    .map((text) => `${term.identity} ${text}`);
}

/** Where writing each value out would be too long. */
function shortText(term: CallerTermPlan): string {
  const given = kinds.filter((kind) => term[kind] !== undefined);
  return `${term.identity} ${given.map((kind) => `${kind} ${JSON.stringify(term[kind])}`).join(', ')}`;
}

function cross(ways: readonly string[], texts: readonly string[], between: string): readonly string[] {
  if (ways.length * texts.length > callersMax) return new Array<string>(callersMax + 1).fill('');
  return ways.flatMap((way) => texts.map((text) => (way === '' ? text : `${way}${between}${text}`)));
}
