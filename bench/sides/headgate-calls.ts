import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { callPaths, callsService } from '../call-paths.ts';
import { freePort, proxyCore, start } from '../processes.ts';
import { audience, callerGroup } from '../tokens.ts';
import { type GrpcSetting, untilGrpcReady } from './grpc.ts';
import type { Side } from './side.ts';

const program = fileURLToPath(new URL('../../headgate', import.meta.url));

/** Headgate before a service of `protocol: grpc`: identity, access per method, a limit per caller and audit are on. */
export async function startHeadgateCalls(engine: 'embedded' | 'haproxy', setting: GrpcSetting): Promise<Side> {
  const name = `headgate-${engine}`;
  const folder = join(setting.folder, name);
  mkdirSync(folder, { recursive: true });
  const port = await freePort();
  const [policy, environment] = [join(folder, 'headgate.yaml'), join(folder, 'bench.yaml')];
  writeFileSync(policy, JSON.stringify(callsPolicy()));
  writeFileSync(environment, JSON.stringify(await callsEnvironment({ engine, port, setting })));
  const output = join(setting.folder, `${name}.log`);
  const words = ['up', '--policy', policy, '--environment', environment];
  const process = start({ program, arguments: words, core: proxyCore, output, folder });
  return untilGrpcReady({ name, port, process }, { ...setting, output, path: callPaths.get });
}

/** Methods of which some are for this caller, some for others, and some for nobody. */
function callsPolicy(): unknown {
  const at = (method: string): string => `orders/${callsService}/${method}`;
  const limits = [{ rate: '1000000/s', burst: 1_000_000, per: 'caller' }];
  return {
    version: 1,
    identity: { staff: { oidc: { audience, groupsClaim: 'groups' } } },
    groups: {
      [callerGroup]: [{ staff: { group: callerGroup } }],
      'finance-leads': [{ staff: { group: 'finance-leads' } }],
    },
    services: { orders: { protocol: 'grpc' } },
    rules: [
      {
        name: 'orders are closed by leads',
        deny: 'anyone',
        to: 'any',
        at: at('Close'),
        unless: [{ caller: ['finance-leads'] }],
      },
      { name: 'leads do all', allow: ['finance-leads'], to: 'call', at: `orders/${callsService}/*` },
      { name: 'orders are read', allow: [callerGroup], to: 'call', at: at('Get'), limits },
      { name: 'orders are sent', allow: [callerGroup], to: 'call', at: at('Send'), limits },
      { name: 'orders are watched', allow: [callerGroup], to: 'call', at: at('Watch*'), limits },
    ],
  };
}

interface EnvironmentOptions {
  readonly engine: string;
  readonly port: number;
  readonly setting: GrpcSetting;
}

async function callsEnvironment({ engine, port, setting }: EnvironmentOptions): Promise<unknown> {
  return {
    version: 1,
    environment: 'bench',
    engine,
    listeners: [{ name: 'public', address: `127.0.0.1:${port}` }],
    identity: { staff: { issuer: setting.issuer.url } },
    services: { orders: { endpoints: [`127.0.0.1:${setting.grpcPort}`] } },
    audit: { directory: 'var/audit', record: 'required' },
    admin: `127.0.0.1:${await freePort()}`,
    state: 'var',
  };
}
