import { type Environment, type Policy, type PolicyTests, parseEnvironment } from '../policy/index.ts';

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
    services: Object.fromEntries(services.map((service) => [service, { endpoints: [{ rest: '127.0.0.1:8501' }] }])),
    audit: { directory: 'var/audit', record: 'required' },
    admin: '127.0.0.1:9900',
  });
  return parseEnvironment(text, `environments/${name}.yaml`).value;
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
