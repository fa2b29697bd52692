import { parseCidr } from '../std/cidr.ts';
import { conditionsOf, isConditional, readsOf } from './conditions.ts';
import { accessEpoch } from './epoch.ts';
import { brokenRelays } from './relays.ts';
import { brokenTraffic } from './traffic-invariants.ts';
import type { AccessPlan, ConditionReads, ConditionsPlan, Plan, RulePlan } from './types.ts';
import { brokenVersions } from './version-invariants.ts';

/** The first thing that does not hold in a Plan of the right form, as a sentence; undefined: all holds. */
export function brokenInvariant(plan: Plan): string | undefined {
  const { access } = plan;
  return (
    brokenEpoch(plan) ??
    repeated('identity', access.identities) ??
    repeated('group', access.groups) ??
    repeated('service', access.services) ??
    repeated('rule', access.rules) ??
    repeated('listener', plan.listeners) ??
    brokenKeys(access) ??
    brokenGroups(access) ??
    brokenRelays(access) ??
    first(access.rules, (rule, index) => brokenRule(access, rule, index)) ??
    brokenReads(access) ??
    first(access.rules, (rule) => brokenConditions(plan, rule)) ??
    first(access.services, brokenFamilies) ??
    brokenVersions(access) ??
    brokenStructure(plan) ??
    brokenTraffic(plan)
  );
}

function brokenEpoch(plan: Plan): string | undefined {
  if (plan.environment !== plan.access.environment) return 'environment differs from access.environment';
  const expected = accessEpoch(plan.access);
  return plan.epoch === expected ? undefined : `epoch is ${plan.epoch}, its access part makes ${expected}`;
}

function repeated(what: string, items: readonly { readonly name: string }[]): string | undefined {
  const seen = new Set<string>();
  return first(items, ({ name }) => {
    if (seen.has(name)) return `${what} ${name} is there twice`;
    seen.add(name);
    return undefined;
  });
}

/** A key's prefix alone tells which identity it proves. */
function brokenKeys({ identities }: AccessPlan): string | undefined {
  const named = identities.filter(({ kind }) => kind === 'apiKeys').map(({ name }) => name);
  return named.length > 1 ? `identities ${named.join(' and ')} are both of API keys` : undefined;
}

function brokenGroups(access: AccessPlan): string | undefined {
  const known = namesOf(access.identities);
  return first(access.groups, (group) =>
    first(group.anyOf, ({ allOf }) =>
      first(allOf, (term) =>
        known.has(term.identity) ? undefined : `group ${group.name} names the unknown identity ${term.identity}`,
      ),
    ),
  );
}

function brokenRule(access: AccessPlan, rule: RulePlan, index: number): string | undefined {
  const at = `rule ${rule.name}`;
  if (rule.index !== index) return `${at} has index ${rule.index} at position ${index}`;
  if (rule.effect === 'allow' && rule.unless.length > 0) return `${at} allows and has unless`;
  if (rule.effect === 'deny' && rule.limits.length > 0) return `${at} denies and has limits`;
  const callers = rule.callers.kind === 'groups' ? rule.callers.names : [];
  const groups = [...callers, ...rule.unless.flatMap((exemption) => exemption.groups ?? [])];
  const stranger = groups.find((name) => !lookup(access.groups).has(name));
  if (stranger !== undefined) return `${at} names the unknown group ${stranger}`;
  const nowhere = rule.resources.find(({ service }) => !lookup(access.services).has(service));
  if (nowhere !== undefined) return `${at} names the unknown service ${nowhere.service}`;
  if (rule.unless.some((part) => part.groups === undefined && !isConditional(part))) return `${at} has an empty unless`;
  return undefined;
}

const lookups = new WeakMap<object, ReadonlySet<string>>();

/** Names of a list, worked out once for each list: rules are many. */
function lookup(items: readonly { readonly name: string }[]): ReadonlySet<string> {
  const known = lookups.get(items) ?? namesOf(items);
  lookups.set(items, known);
  return known;
}

/** INVARIANT: an engine keys its kept decisions by `access.reads`; a read that is missing there would mix decisions up. */
function brokenReads(access: AccessPlan): string | undefined {
  const missing = access.services.find(({ name }) => access.reads[name] === undefined);
  if (missing !== undefined) return `access.reads lacks service ${missing.name}`;
  return first(access.rules, (rule) =>
    first(conditionsOf(rule), (conditions) =>
      first(rule.resources, ({ service }) =>
        covers(access.reads[service], readsOf(conditions))
          ? undefined
          : `access.reads.${service} lacks what rule ${rule.name} reads`,
      ),
    ),
  );
}

function brokenConditions({ listeners }: Plan, rule: RulePlan): string | undefined {
  return first(conditionsOf(rule), ({ via = [], from = [], during = [] }: ConditionsPlan) => {
    const stranger = via.find((name) => !lookup(listeners).has(name));
    if (stranger !== undefined) return `rule ${rule.name} names the unknown listener ${stranger}`;
    const range = from.find((text) => 'fault' in parseCidr(text));
    if (range !== undefined) return `rule ${rule.name} names ${range}, which is no range of addresses`;
    const empty = during.some(({ fromMinute, toMinute }) => fromMinute === toMinute);
    return empty ? `rule ${rule.name} has a window that is never open` : undefined;
  });
}

function brokenFamilies({ name, models, families = [] }: AccessPlan['services'][number]): string | undefined {
  const free = new Set(models);
  return (
    repeated('family', families) ??
    first(families, (family) => {
      const taken = family.models.find((model) => !free.delete(model));
      return taken && `family ${family.name} of ${name} has ${taken}, which is in another one or no model at all`;
    })
  );
}

function covers(whole: ConditionReads | undefined, part: ConditionReads): boolean {
  if (whole === undefined) return false;
  return (
    part.headers.every((header) => whole.headers.includes(header)) &&
    (whole.address || !part.address) &&
    (whole.time || !part.time) &&
    (whole.queue === true || part.queue === undefined)
  );
}

function brokenStructure(plan: Plan): string | undefined {
  const services = namesOf(plan.access.services);
  const upstreams = new Set(plan.upstreams.map(({ service }) => service));
  if (upstreams.size !== plan.upstreams.length) return 'a service has two upstreams';
  return (
    first(plan.upstreams, ({ service }) =>
      services.has(service) ? undefined : `upstream of unknown service ${service}`,
    ) ??
    first(plan.listeners, (listener) =>
      first(listener.routes, ({ service }) =>
        upstreams.has(service) ? undefined : `listener ${listener.name} routes to ${service}, which has no upstream`,
      ),
    )
  );
}

function namesOf(items: readonly { readonly name: string }[]): ReadonlySet<string> {
  return new Set(items.map(({ name }) => name));
}

function first<T>(items: readonly T[], broken: (item: T, index: number) => string | undefined): string | undefined {
  for (const [index, item] of items.entries()) {
    const reason = broken(item, index);
    if (reason !== undefined) return reason;
  }
  return undefined;
}
