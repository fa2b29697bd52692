import { listNames, nearestName, type Report } from '../diagnostics/index.ts';
import type {
  AttachedFiles,
  Environment,
  FamilyNode,
  GroupNode,
  IdentityNode,
  Located,
  Policy,
  ServiceNode,
} from '../policy/index.ts';
import { describedMethods, type KnownMethods } from './descriptors.ts';

/** What every feature of the compiler is given: both trees, their names, and where mistakes go. */
export interface Scope {
  readonly policy: Policy;
  readonly environment: Environment;
  readonly report: Report;
  readonly identities: ReadonlyMap<string, IdentityNode>;
  readonly groups: ReadonlyMap<string, GroupNode>;
  readonly services: ReadonlyMap<string, KnownService>;
  /** The hint for a name that is none of the known: a near one, or what there is. */
  readonly hint: (written: string, known: readonly string[]) => string | undefined;
}

export interface KnownService {
  readonly node: ServiceNode;
  /** All methods that it has, where a descriptor set says it. */
  readonly methods?: KnownMethods;
  /** Those of families among them. */
  readonly models: ReadonlySet<string>;
  readonly families: ReadonlyMap<string, FamilyNode>;
  /** Names of the versions of each model that has any: its own, or else its family's. */
  readonly versions: ReadonlyMap<string, readonly Located<string>[]>;
}

/** Hints with near names in one run; beyond, they are left out: looking for them costs, and nobody reads that many. */
const hintsMax = 200;

export function createScope(policy: Policy, environment: Environment, report: Report): Scope {
  let hints = 0;
  return {
    policy,
    environment,
    report,
    identities: byName(policy.identity),
    groups: byName(policy.groups),
    services: new Map(policy.services.map((node) => [node.name.value, knownService(node, policy.attached, report)])),
    hint(written, known) {
      hints += 1;
      return hints > hintsMax ? undefined : nameHint(written, known);
    },
  };
}

function nameHint(written: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const near = nearestName(written, known);
  return near === undefined ? `known: ${listNames(known)}` : `did you mean \`${near}\`?`;
}

function knownService(node: ServiceNode, attached: AttachedFiles | undefined, report: Report): KnownService {
  const methods = describedMethods(node, attached, report);
  const named = [...node.models, ...node.families.flatMap(({ models }) => models)];
  const models = new Set(named.map(({ name }) => name.value));
  const families = byName(node.families);
  return { node, ...(methods && { methods }), models, families, versions: versionsOf(node) };
}

function versionsOf({ models, families }: ServiceNode): ReadonlyMap<string, readonly Located<string>[]> {
  const found = new Map<string, readonly Located<string>[]>();
  for (const { models: members, versions } of families) {
    if (versions !== undefined) for (const { name } of members) found.set(name.value, versions);
  }
  for (const { name, versions } of models) if (versions !== undefined) found.set(name.value, versions);
  return found;
}

function byName<T extends { readonly name: Located<string> }>(nodes: readonly T[]): ReadonlyMap<string, T> {
  return new Map(nodes.map((node) => [node.name.value, node]));
}

/** Values in the order they were written, each once. */
export function distinct<T>(values: readonly T[]): readonly T[] {
  return [...new Set(values)];
}
