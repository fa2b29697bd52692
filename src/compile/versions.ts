import type { ServicePlan, VersionPlan } from '../plan/index.ts';
import type { BoundModelNode, BoundVersionNode, Located } from '../policy/index.ts';
import { printShare, wholePpm } from '../std/share.ts';
import type { KnownService, Scope } from './scope.ts';

/** The versions of a service's models: named by the policy, with the numbers and shares of this environment. */
export function compileVersions(scope: Scope, known: KnownService): Pick<ServicePlan, 'versions'> | undefined {
  const service = known.node.name.value;
  const binding = scope.environment.services.find(({ name }) => name.value === service);
  const bound = new Map((binding?.models ?? []).map((model) => [model.name.value, model]));
  for (const model of bound.values()) checkBound(scope, known, model);
  if (known.versions.size === 0) return undefined;
  const versions: Record<string, readonly VersionPlan[]> = {};
  for (const [model, names] of known.versions) {
    const node = bound.get(model);
    if (node === undefined) reportUnbound(scope, { service, model, names, place: binding?.name });
    else versions[model] = compileModel(scope, node, names);
  }
  return { versions };
}

function checkBound({ report, hint }: Scope, known: KnownService, { name }: BoundModelNode): void {
  const service = known.node.name;
  const notes = [{ message: `\`${service.value}\` and its models are declared here`, span: service.span }];
  if (!known.models.has(name.value)) {
    const message = `service \`${service.value}\` has no model \`${name.value}\``;
    report.add('HG2090', message, { span: name.span, hint: hint(name.value, [...known.models]), notes });
  } else if (!known.versions.has(name.value)) {
    const message = `the policy names no versions of model \`${name.value}\``;
    report.add('HG2091', message, { span: name.span, hint: 'name them there: `versions: [stable, canary]`', notes });
  }
}

interface Unbound {
  readonly service: string;
  readonly model: string;
  readonly names: readonly Located<string>[];
  readonly place: Located<string> | undefined;
}

function reportUnbound({ environment, report }: Scope, { service, model, names, place }: Unbound): void {
  const message = `the versions of model \`${model}\` have no numbers in environment \`${environment.name.value}\``;
  const [first, second] = names.map(({ value }) => value);
  const example = `${first}: 3${second === undefined ? '' : `, ${second}: { version: 4, share: 5% }`}`;
  const hint = `add them in ${environment.file}: services: { ${service}: { models: { ${model}: { ${example} } } } }`;
  const notes = names.slice(0, 1).map(({ span }) => ({ message: 'the policy names them here', span }));
  report.add('HG2092', message, { span: place?.span ?? environment.name.span, hint, notes });
}

/** In the order of the policy. */
function compileModel(
  scope: Scope,
  { name: model, versions }: BoundModelNode,
  names: readonly Located<string>[],
): readonly VersionPlan[] {
  const { report } = scope;
  const bound = new Map(versions.map((version) => [version.name.value, version]));
  const known = new Set(names.map(({ value }) => value));
  for (const { name } of versions) {
    if (known.has(name.value)) continue;
    const message = `the policy names no version \`${name.value}\` of model \`${model.value}\``;
    report.add('HG2091', message, { span: name.span, hint: scope.hint(name.value, [...known]) });
  }
  for (const { value, span } of names) {
    if (bound.has(value)) continue;
    const message = `version \`${value}\` of model \`${model.value}\` has no number`;
    const notes = [{ message: 'the policy names it here', span }];
    report.add('HG2092', message, { span: model.span, hint: `add \`${value}: { version: 4, share: 0% }\``, notes });
  }
  checkNumbers(scope, versions);
  checkShares(scope, model, versions);
  return names.flatMap(({ value }) => {
    const found = bound.get(value);
    return found === undefined ? [] : [versionPlan(found)];
  });
}

function versionPlan({ name, number, share }: BoundVersionNode): VersionPlan {
  return { name: name.value, number: number.value, ...(share && { sharePpm: share.value }) };
}

/** A call by number is a call of one named version. */
function checkNumbers({ report }: Scope, versions: readonly BoundVersionNode[]): void {
  const seen = new Map<number, BoundVersionNode>();
  for (const version of versions) {
    const { value, span } = version.number;
    const before = seen.get(value);
    if (before === undefined) {
      seen.set(value, version);
      continue;
    }
    const message = `\`${before.name.value}\` is version ${value} already`;
    const hint = 'give it the number of an earlier or coming version; with `share: 0%` nobody gets it unasked';
    report.add('HG2094', message, { span, hint, notes: [{ message: 'there', span: before.number.span }] });
  }
}

/** One without a share gets the rest; the others come to the whole at most. */
function checkShares({ report }: Scope, model: Located<string>, versions: readonly BoundVersionNode[]): void {
  const [rest, ...others] = versions.filter(({ share }) => share === undefined);
  if (rest === undefined) {
    const hint = 'leave the share of one away: it gets the rest, and callers who are not known';
    report.add('HG2093', `every version of model \`${model.value}\` has a share`, { span: model.span, hint });
  }
  for (const { name } of others) {
    const message = `version \`${name.value}\` has no share, and \`${rest?.name.value}\` gets the rest already`;
    const hint = `write \`${name.value}: { version: …, share: 5% }\``;
    const notes = rest === undefined ? [] : [{ message: 'the first without a share', span: rest.name.span }];
    report.add('HG2093', message, { span: name.span, hint, notes });
  }
  let sum = 0;
  for (const { share } of versions) {
    const before = sum;
    sum += share?.value ?? 0;
    if (share === undefined || sum <= wholePpm || before > wholePpm) continue;
    const message = `the shares of model \`${model.value}\` come to more than 100 %`;
    report.add('HG2093', message, { span: share.span, hint: `${printShare(wholePpm - before)} are left here` });
  }
}
