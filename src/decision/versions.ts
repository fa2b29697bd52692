import { hash } from 'node:crypto';
import type { ServicePlan, VersionPlan } from '../plan/types.ts';
import type { Operation } from '../protocols/types.ts';
import { wholePpm } from '../std/share.ts';

/** Which version of a model runs: by what the caller asks for, or else by the shares. Pure: no clock, no chance. */
export interface Versions {
  /**
   * The operation with the version that will run and its name, or undefined where the label asked for is bound to none.
   * `callerId`: `Identity.id`; undefined: nobody known. Of a model that the policy doesn't know nothing is resolved.
   */
  resolve(operation: Operation, callerId: string | undefined): Operation | undefined;
  /** The same for some caller of whom no id is known: each version that one of them would get. Never more than once. */
  possible(operation: Operation, isKnown: boolean): readonly (Operation | undefined)[];
}

/** The versions of one model, by what a call can ask for. */
interface Model {
  readonly byName: ReadonlyMap<string, VersionPlan>;
  readonly byNumber: ReadonlyMap<string, VersionPlan>;
  /** The version without a share; undefined where the policy names no versions. */
  readonly rest: VersionPlan | undefined;
  readonly slices: readonly Slice[];
}

/** From `from` up to, without, `to`: points of the callers, of `wholePpm`. */
interface Slice {
  readonly version: VersionPlan;
  readonly from: number;
  readonly to: number;
}

export function createVersions(services: readonly ServicePlan[]): Versions {
  const models = new Map(
    services.flatMap(({ name, models: named, versions = {} }) =>
      named.map((model) => [`${name}/${model}`, modelOf(versions[model] ?? [])] as const),
    ),
  );
  const modelFor = ({ service, model }: Operation): Model | undefined =>
    model === undefined ? undefined : models.get(`${service}/${model}`);
  return {
    resolve(operation, callerId) {
      const model = modelFor(operation);
      if (model === undefined) return operation;
      const asked = askedOf(model, operation);
      if (asked !== 'none') return asked;
      const version = callerId === undefined ? model.rest : chosen(model, operation, callerId);
      return withVersion(operation, version, 'share');
    },
    possible(operation, isKnown) {
      const model = modelFor(operation);
      if (model === undefined) return [operation];
      const asked = askedOf(model, operation);
      if (asked !== 'none') return [asked];
      const sliced = isKnown ? model.slices.filter(({ from, to }) => to > from) : [];
      const shared = sliced.reduce((sum, { from, to }) => sum + to - from, 0);
      const rest = shared < wholePpm ? [model.rest] : [];
      return [...rest, ...sliced.map(({ version }) => version)].map((each) => withVersion(operation, each, 'share'));
    },
  };
}

function modelOf(versions: readonly VersionPlan[]): Model {
  return {
    byName: new Map(versions.map((version) => [version.name, version])),
    byNumber: new Map(versions.map((version) => [String(version.number), version])),
    rest: versions.find(({ sharePpm }) => sharePpm === undefined),
    slices: slicesOf(versions),
  };
}

/**
 * Versions with a share stand side by side from the bottom, but the last of several at the top: so of two, raising the share of
 * one moves callers from the rest to it, and nobody else. INVARIANT: shares come to the whole at most.
 */
function slicesOf(versions: readonly VersionPlan[]): readonly Slice[] {
  const shared = versions.flatMap((version) =>
    version.sharePpm === undefined ? [] : [{ version, ppm: version.sharePpm }],
  );
  let from = 0;
  return shared.map(({ version, ppm }, index) => {
    if (index > 0 && index === shared.length - 1) return { version, from: wholePpm - ppm, to: wholePpm };
    const slice = { version, from, to: from + ppm };
    from = slice.to;
    return slice;
  });
}

/** What the call names itself; `none` where it names nothing. */
function askedOf({ byName, byNumber }: Model, operation: Operation): Operation | undefined | 'none' {
  const { label, version } = operation;
  if (label !== undefined) {
    const found = byName.get(label);
    return found && withVersion(operation, found, 'label');
  }
  if (version === undefined) return 'none';
  const name = byNumber.get(version)?.name;
  return { ...operation, ...(name !== undefined && { versionName: name }), versionBy: 'number' };
}

function withVersion(operation: Operation, version: VersionPlan | undefined, versionBy: 'label' | 'share'): Operation {
  if (version === undefined) return operation;
  return { ...operation, version: String(version.number), versionName: version.name, versionBy };
}

function chosen({ slices, rest }: Model, { service, model }: Operation, callerId: string): VersionPlan | undefined {
  if (slices.every(({ from, to }) => from === to)) return rest;
  const point = pointOf(`${service}/${model}`, callerId);
  return slices.find(({ from, to }) => from <= point && point < to)?.version ?? rest;
}

/**
 * Where a caller stands among the callers of a model, from 0 up to, without, `wholePpm`: the first 48 bits of SHA-256 over both,
 * with a line feed between them, which neither can hold. Another model draws anew, so that no caller is the canary of all.
 */
export function pointOf(model: string, callerId: string): number {
  const digest = hash('sha256', `${model}\n${callerId}`, 'buffer');
  return Math.floor((digest.readUIntBE(0, 6) / 2 ** 48) * wholePpm);
}
