import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, proxyCore, start } from '../processes.ts';
import { predictModel } from '../request.ts';
import { audience, callerGroup } from '../tokens.ts';
import { type Side, type SideSetting, untilReady } from './side.ts';

const program = fileURLToPath(new URL('../../headgate', import.meta.url));

/** Headgate itself, through its own command line: identity, access, a limit per caller and audit are on. */
export async function startHeadgate(
  engine: 'embedded' | 'haproxy',
  setting: SideSetting,
  way: 'own' | 'assisted' = 'own',
): Promise<Side> {
  const name = way === 'own' ? `headgate-${engine}` : `headgate-${engine}-assisted`;
  const folder = join(setting.folder, name);
  mkdirSync(folder);
  const port = await freePort();
  const [policy, environment] = [join(folder, 'headgate.yaml'), join(folder, 'bench.yaml')];
  // JSON is YAML: nothing has to be quoted by hand.
  writeFileSync(policy, JSON.stringify(benchPolicy()));
  writeFileSync(environment, JSON.stringify(await benchEnvironment({ engine, port, setting, way })));
  const output = join(setting.folder, `${name}.log`);
  const words = ['up', '--policy', policy, '--environment', environment];
  const process = start({ program, arguments: words, core: proxyCore, output, folder });
  return untilReady({ name, port, process }, { token: setting.token, output });
}

/** The policy of the measured call, with company: other groups, other models, a deny that has to be looked at. */
function benchPolicy(): unknown {
  return {
    version: 1,
    identity: { staff: { oidc: { audience, groupsClaim: 'groups' } } },
    groups: {
      [callerGroup]: [{ staff: { group: callerGroup } }],
      employees: [{ staff: 'any' }],
      'finance-leads': [{ staff: { group: 'finance-leads' } }],
    },
    services: {
      scoring: { protocol: 'tensorflow-serving', models: { [predictModel]: {}, 'finance-credit': {}, dialogue: {} } },
    },
    rules: [
      {
        name: 'the ledger is for leads',
        deny: 'anyone',
        to: 'any',
        at: 'scoring/finance-credit',
        unless: [{ caller: ['finance-leads'] }],
      },
      { name: 'everyone talks', allow: ['employees'], to: 'predict', at: 'scoring/dialogue' },
      {
        name: 'finance scores with its own models',
        allow: [callerGroup],
        to: ['predict', 'metadata'],
        at: 'scoring/finance-*',
        limits: [{ rate: '1000000/s', burst: 1_000_000, per: 'caller' }],
      },
    ],
  };
}

/** In which nothing ever waits. */
const wideQueue = { inFlight: 1000, waiting: 1000, wait: '1s' };

interface EnvironmentOptions {
  readonly engine: string;
  readonly port: number;
  readonly setting: SideSetting;
  readonly way: 'own' | 'assisted';
}

async function benchEnvironment({ engine, port, setting, way }: EnvironmentOptions): Promise<unknown> {
  return {
    version: 1,
    environment: 'bench',
    engine,
    listeners: [{ name: 'public', address: `127.0.0.1:${port}` }],
    identity: { staff: { issuer: setting.issuer.url } },
    services: { scoring: { endpoints: [endpointOf(setting)], ...(way === 'assisted' && { queue: wideQueue }) } },
    audit: { directory: 'var/audit', record: 'required' },
    admin: `127.0.0.1:${await freePort()}`,
    state: 'var',
  };
}

function endpointOf({ upstreamPort, grpcPort }: SideSetting): unknown {
  const rest = `127.0.0.1:${upstreamPort}`;
  return grpcPort === undefined ? { rest } : { rest, grpc: `127.0.0.1:${grpcPort}` };
}
