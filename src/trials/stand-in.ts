import { type Environment, type Located, type Policy, type PolicyTests, parseEnvironment } from '../policy/index.ts';

/**
 * Bindings for an environment that has no file here: access is decided by the policy and the environment's name alone, so that
 * addresses and issuers that lead nowhere do as well. Nothing is ever dialled.
 */
export function standIn(policy: Policy, tests: PolicyTests, name: string): Environment | undefined {
  const services = policy.services.map((service) => service.name.value);
  const routes = services.map((service) => ({ path: `/${service}/**`, service, strip: true }));
  const text = JSON.stringify({
    version: 1,
    environment: name,
    engine: 'embedded',
    listeners: listenersNamed(policy, tests).map((listener, at) => ({
      name: listener,
      address: `127.0.0.1:${20_000 + at}`,
      ...(services.length > 1 && { routes }),
    })),
    identity: Object.fromEntries(
      policy.identity
        .filter(({ kind }) => kind === 'oidc')
        .map((identity) => [identity.name.value, { issuer: `https://${issuerHost(identity.name.value)}` }]),
    ),
    services: Object.fromEntries(policy.services.map((service) => [service.name.value, bindingOf(service)])),
    audit: { directory: 'var/audit', record: 'required' },
    admin: '127.0.0.1:9900',
  });
  return parseEnvironment(text, `environments/${name}.yaml`).value;
}

/** The first version of a model gets everybody, and none has a number that anybody would ask for. */
function bindingOf({ protocol, models, families }: Policy['services'][number]): object {
  const bound: Record<string, object> = {};
  const bind = (model: string, versions: readonly Located<string>[] = []): void => {
    const entries = versions.map(({ value }, at) => {
      const version = Number.MAX_SAFE_INTEGER - at;
      return [value, at === 0 ? version : { version, share: '0%' }] as const;
    });
    if (entries.length > 0) bound[model] = Object.fromEntries(entries);
  };
  for (const family of families) for (const { name } of family.models) bind(name.value, family.versions);
  for (const { name, versions } of models) bind(name.value, versions);
  // Conditions that read a queue need one to be there; how much is in it, the test says.
  const address = protocol.value === 'grpc' ? '127.0.0.1:50051' : { rest: '127.0.0.1:8501' };
  const service = { endpoints: [address], queue: { inFlight: 1 } };
  return Object.keys(bound).length === 0 ? service : { ...service, models: bound };
}

/** `public`, and each that a rule or a test names. */
function listenersNamed({ rules }: Policy, { tests }: PolicyTests): readonly string[] {
  const conditions = rules.flatMap((rule) => [rule, ...rule.unless]);
  const used = conditions.flatMap(({ via }) => via?.map(({ value }) => value) ?? []);
  const named = tests.flatMap(({ via }) => (via === undefined ? [] : [via.value]));
  return [...new Set(['public', ...used, ...named])].slice(0, listenersMax);
}

/** More than any environment has. */
const listenersMax = 1000;

/** A host that can't exist (RFC 6761), and is another for each identity. */
function issuerHost(identity: string): string {
  return `${identity.toLowerCase().replace(/[^a-z0-9-]/g, '-')}.issuer.invalid`;
}
