import { coversVersion, matchesAction, matchesResource, matchesSegments, versionClass } from '../decision/index.ts';
import {
  type AccessPlan,
  type CallerTermPlan,
  type GroupPlan,
  isConditional,
  type RulePlan,
  type ServicePlan,
} from '../plan/index.ts';
import { knownActions, serviceActions } from '../protocols/index.ts';
import { coversPattern } from './cover.ts';
import { MethodIndex } from './method-index.ts';
import { type VersionKind, versionKinds, versionWords } from './reach-versions.ts';

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
  for (const { at, rules, world, ofModel } of access.services.flatMap((service) => placesOf(access, service))) {
    const { actions, kinds } = world;
    for (const { rule, group, named, kinds: open } of reached(rules, world)) {
      const any = ofModel && named.length === actions.length;
      const what = `${any ? 'any' : named.join(',')}${versionWords(rule, open, kinds)}`;
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
  readonly world: World;
  readonly ofModel: boolean;
}

/** Each model or method, and the service itself where anyone could be allowed what is done to it. */
function placesOf({ rules }: AccessPlan, service: ServicePlan): readonly Place[] {
  const { name, protocol } = service;
  const ofService = serviceActions(protocol);
  const actions = knownActions(protocol).filter((action) => !ofService.includes(action));
  const places = protocol === 'grpc' ? methodPlaces(rules, service, actions) : modelPlaces(rules, service, actions);
  const own = rules.filter((rule) => isAboutService(rule, name, ofService));
  if (!own.some(({ effect }) => effect === 'allow')) return places;
  const world = { actions: ofService, kinds: versionKinds([], []) };
  return [...places, { at: name, rules: own, world, ofModel: false }];
}

function modelPlaces(
  rules: readonly RulePlan[],
  { name, models, versions }: ServicePlan,
  actions: readonly string[],
): readonly Place[] {
  const about = rulesByModel(rules, name, models);
  return models.map((model) => {
    const ofIt = about.get(model) ?? [];
    const kinds = versionKinds(ofIt, versions?.[model] ?? []);
    return { at: `${name}/${model}`, rules: ofIt, world: { actions, kinds }, ofModel: true };
  });
}

/** Each method that is described; where none is, what the rules name: what a rule about more is settles that, too. */
function methodPlaces(
  rules: readonly RulePlan[],
  { name, methods = {}, hasDescriptors }: ServicePlan,
  actions: readonly string[],
): readonly Place[] {
  const world = { actions, kinds: versionKinds([], []) };
  const patternsOf = ({ resources }: RulePlan) => resources.filter(({ service }) => service === name);
  const about = rules.filter((rule) => patternsOf(rule).length > 0);
  const written = about.flatMap(patternsOf).map(({ segments }) => segments.join('/'));
  if (hasDescriptors) {
    const found = rulesByMethod(about, name, Object.keys(methods));
    return [...found].map(([each, ofIt]) => ({ at: `${name}/${each}`, rules: ofIt, world, ofModel: false }));
  }
  return [...new Set(written)].map((each) => {
    const pattern = { service: name, segments: each.split('/') };
    const ofIt = about.filter((rule) => patternsOf(rule).some((wide) => coversPattern(wide, pattern)));
    return { at: `${name}/${each}`, rules: ofIt, world, ofModel: false };
  });
}

/** In file order. */
function rulesByMethod(
  rules: readonly RulePlan[],
  service: string,
  methods: readonly string[],
): ReadonlyMap<string, readonly RulePlan[]> {
  const index = new MethodIndex(methods);
  const found = new Map<string, RulePlan[]>(methods.map((method) => [method, []]));
  for (const rule of rules) {
    const patterns = rule.resources.filter((pattern) => pattern.service === service);
    const named = new Set(patterns.flatMap(({ segments }) => [...index.matching(segments)]));
    for (const method of named) found.get(method)?.push(rule);
  }
  return found;
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
  readonly kinds: readonly VersionKind[];
}

/** What can be asked of a model. */
interface World {
  readonly actions: readonly string[];
  readonly kinds: readonly VersionKind[];
}

function reached(rules: readonly RulePlan[], world: World): readonly Reach[] {
  const denied = new Settled();
  const allowed = new Settled();
  for (const rule of rules) if (rule.effect === 'deny' && isSettling(rule)) denied.add(rule, callsOf(rule, world));
  return rules.flatMap((rule) => {
    const groups = rule.callers.kind === 'anyone' ? [undefined] : rule.callers.names;
    const calls = callsOf(rule, world);
    const found = groups.flatMap((group): readonly Reach[] => {
      const isOpen = (call: Call) => !denied.has(group, call) && !allowed.has(group, call);
      return merged(rule.effect === 'deny' ? calls : calls.filter(isOpen)).map((each) => ({ rule, group, ...each }));
    });
    if (rule.effect === 'allow' && isSettling(rule)) allowed.add(rule, calls);
    return found;
  });
}

interface Call {
  readonly action: string;
  readonly kind: VersionKind;
}

function callsOf(rule: RulePlan, { actions, kinds }: World): readonly Call[] {
  const named = actionsOf(rule, actions);
  const about = kinds.filter((kind) => coversVersion(rule, kind));
  return about.flatMap((kind) => named.map((action) => ({ action, kind })));
}

/** Kinds of versions with the same actions, together. */
function merged(calls: readonly Call[]): readonly Pick<Reach, 'named' | 'kinds'>[] {
  const byKind = new Map<VersionKind, string[]>();
  for (const { kind, action } of calls) byKind.set(kind, [...(byKind.get(kind) ?? []), action]);
  const byActions = new Map<string, { readonly named: readonly string[]; readonly kinds: VersionKind[] }>();
  for (const [kind, named] of byKind) {
    const same = byActions.get(named.join());
    if (same === undefined) byActions.set(named.join(), { named, kinds: [kind] });
    else same.kinds.push(kind);
  }
  return [...byActions.values()];
}

/** Which calls are decided for which groups, whatever the call is like. */
class Settled {
  readonly #keys = new Set<string>();

  add({ callers }: RulePlan, calls: readonly Call[]): void {
    const groups = callers.kind === 'anyone' ? [''] : callers.names;
    for (const group of groups) for (const call of calls) this.#keys.add(`${group}/${keyOf(call)}`);
  }

  has(group: string | undefined, call: Call): boolean {
    const key = keyOf(call);
    return this.#keys.has(`/${key}`) || (group !== undefined && this.#keys.has(`${group}/${key}`));
  }
}

function keyOf({ action, kind }: Call): string {
  return `${action}/${versionClass(kind)}`;
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
