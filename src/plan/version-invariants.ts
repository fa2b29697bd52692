import { wholePpm } from '../std/share.ts';
import type { AccessPlan, ServicePlan, VersionPlan } from './types.ts';

/** The first thing that does not hold of the versions of a Plan, as a sentence; undefined: all holds. */
export function brokenVersions({ services, rules }: AccessPlan): string | undefined {
  for (const service of services) {
    const broken = brokenService(service);
    if (broken !== undefined) return broken;
  }
  const names = new Map(services.map((service) => [service.name, namesOf(service)]));
  for (const { name, versions = 'any', resources } of rules) {
    if (versions === 'any') continue;
    const stranger = versions.find((version) => !resources.some(({ service }) => names.get(service)?.has(version)));
    if (stranger !== undefined) return `rule ${name} names the unknown version ${stranger}`;
  }
  return undefined;
}

function brokenService({ name, models, versions = {} }: ServicePlan): string | undefined {
  const known = new Set(models);
  for (const [model, list] of Object.entries(versions)) {
    const at = `${name}/${model}`;
    if (!known.has(model)) return `${at} has versions and is no model`;
    if (new Set(list.map((each) => each.name)).size !== list.length) return `${at} has a version twice`;
    if (new Set(list.map((each) => each.number)).size !== list.length) return `${at} has a number twice`;
    if (!addsUp(list)) return `the shares of ${at} don't add up`;
  }
  return undefined;
}

function addsUp(list: readonly VersionPlan[]): boolean {
  const shared = list.flatMap(({ sharePpm }) => (sharePpm === undefined ? [] : [sharePpm]));
  return shared.length === list.length - 1 && shared.reduce((sum, ppm) => sum + ppm, 0) <= wholePpm;
}

function namesOf({ versions = {} }: ServicePlan): ReadonlySet<string> {
  return new Set(Object.values(versions).flatMap((list) => list.map(({ name }) => name)));
}
