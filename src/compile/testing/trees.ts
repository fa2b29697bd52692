import type { Span } from '../../diagnostics/index.ts';
import type {
  AccessPlan,
  ConditionPlan,
  ConditionsPlan,
  IdentityPlan,
  OidcPlan,
  RulePlan,
  VersionPlan,
} from '../../plan/index.ts';
import type {
  BoundVersionNode,
  CelText,
  ConditionsNode,
  Environment,
  Located,
  Policy,
  RuleNode,
} from '../../policy/index.ts';

function at<T>(value: T, line = 1): Located<T> {
  return { value, span: spanAt(line) };
}

function spanAt(line: number): Span {
  return { file: 'headgate.yaml', line, column: 1, endLine: line, endColumn: 2 };
}

function isOidc(identity: IdentityPlan): identity is OidcPlan {
  return identity.kind === 'oidc';
}

/** The policy that an author would write for this access. */
export function policyFor(access: AccessPlan): Policy {
  return {
    file: 'headgate.yaml',
    identity: access.identities.filter(isOidc).map(({ name, audience, groupsClaim }) => ({
      ...{ name: at(name), kind: 'oidc', audience: at(audience), groupsClaim: at(groupsClaim.join('.')) },
    })),
    groups: access.groups.map(({ name, anyOf }) => ({
      name: at(name),
      anyOf: anyOf.map(({ allOf }) => ({
        span: spanAt(1),
        allOf: allOf.map(({ identity, subject, group, client }) => ({
          identity: at(identity),
          any: (subject ?? group ?? client) === undefined,
          ...(subject && { subject: at(subject) }),
          ...(group && { group: at(group) }),
          ...(client && { client: at(client) }),
        })),
      })),
    })),
    services: access.services.map(({ name, protocol, models, versions = {} }) => ({
      ...{ name: at(name), protocol: at(protocol), families: [] },
      models: models.map((model) => {
        const named = versions[model]?.map((version) => at(version.name));
        return { name: at(model), ...(named && { versions: named }) };
      }),
    })),
    rules: access.rules.map(ruleFor),
  };
}

function ruleFor(rule: RulePlan): RuleNode {
  const { name, effect, line, callers, actions, resources, versions, unless, limits } = rule;
  return {
    span: spanAt(line),
    name: at(name, line),
    effect,
    callers: at(callers.kind === 'anyone' ? 'anyone' : callers.names.map((group) => at(group))),
    to: actions.kind === 'any' ? [at('any')] : actions.names.map((action) => at(action)),
    at: resources.map(({ service, segments }) => at([service, ...segments].join('/'))),
    ...(versions && { versions: versions === 'any' ? [at('any')] : versions.map((version) => at(version)) }),
    ...conditionsFor(rule),
    unless: unless.map((part) => ({
      span: spanAt(line),
      ...(part.groups && { caller: part.groups.map((group) => at(group)) }),
      ...conditionsFor(part),
    })),
    limits: limits.map(({ count, periodMs, burst, per }) => ({
      ...{ span: spanAt(line), rate: at({ count, periodMs }), burst: at(burst), per: at(per) },
    })),
  };
}

function conditionsFor({ via, from, during, when }: ConditionsPlan): ConditionsNode {
  return {
    ...(via && { via: via.map((name) => at(name)) }),
    ...(from && { from: from.map((range) => at(range)) }),
    ...(during && { during: during.map((window) => at(window)) }),
    ...(when && { when: conditionFor(when) }),
  };
}

function conditionFor({ cel }: ConditionPlan): Located<CelText> {
  return at({ text: cel, spanOf: () => spanAt(1) });
}

function boundVersionFor({ name, number, sharePpm }: VersionPlan): BoundVersionNode {
  return { name: at(name), number: at(number), ...(sharePpm !== undefined && { share: at(sharePpm) }) };
}

/** An environment that binds all of this access. */
export function environmentFor(access: AccessPlan): Environment {
  return {
    file: 'environment.yaml',
    name: at(access.environment),
    engine: at('embedded'),
    listeners: ['public', 'internal'].map((listener, index) => ({
      span: spanAt(1),
      name: at(listener),
      address: at({ host: '127.0.0.1', port: 8080 + index }),
      routes: access.services.map(({ name }) => ({
        ...{ span: spanAt(1), path: at(`/${name}/**`), service: at(name), strip: true },
      })),
    })),
    identity: access.identities.filter(isOidc).map(({ name, issuers }) => ({
      ...{ name: at(name), issuers: issuers.map((issuer) => at(issuer)), gateways: [] },
    })),
    services: access.services.map(({ name, versions = {} }, index) => ({
      name: at(name),
      endpoints: [{ span: spanAt(1), rest: at({ host: '127.0.0.1', port: 8501 + index }) }],
      models: Object.entries(versions).map(([model, list]) => ({
        name: at(model),
        versions: list.map(boundVersionFor),
      })),
    })),
    bounds: { bodyBytesMax: 64 * 1024 * 1024 },
    audit: { directory: at('var/audit'), record: at('required') },
    admin: at({ host: '127.0.0.1', port: 9900 }),
    state: at('var'),
  };
}
