import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, loadCore, proxyCore, start } from '../processes.ts';
import { type Side, type SideSetting, untilReady } from './side.ts';

interface HaproxyOptions {
  readonly name: string;
  /** File in `config/`; it reads its environment. */
  readonly config: string;
  readonly core: number;
  readonly environment: Readonly<Record<string, string>>;
  readonly folder: string;
  readonly token: string;
}

/** Cheap answers for every proxy to forward to, on the core of the load. */
export async function startUpstream(folder: string): Promise<Side> {
  const config = 'upstream.cfg';
  return startHaproxy({ name: 'upstream', config, core: loadCore, environment: {}, folder, token: 'none' });
}

/** HAProxy forwarding bare, with its ordinary access log to a file. */
export async function startBareHaproxy({ folder, upstreamPort, token }: SideSetting): Promise<Side> {
  const environment = { UPSTREAM_PORT: String(upstreamPort) };
  return startHaproxy({ name: 'bare-haproxy', config: 'bare.cfg', core: proxyCore, environment, folder, token });
}

/** HAProxy as one would write it by hand for the same policy. */
export async function startHandwrittenHaproxy({ folder, upstreamPort, issuer, token }: SideSetting): Promise<Side> {
  const publicKey = join(folder, 'issuer.pem');
  writeFileSync(publicKey, issuer.publicKeyPem);
  const environment = { UPSTREAM_PORT: String(upstreamPort), PUBLIC_KEY: publicKey, ISSUER: issuer.url };
  return startHaproxy({
    name: 'handwritten-haproxy',
    config: 'handwritten.cfg',
    core: proxyCore,
    environment,
    folder,
    token,
  });
}

async function startHaproxy(options: HaproxyOptions): Promise<Side> {
  const { name, core, folder, token } = options;
  const port = await freePort();
  const output = join(folder, `${name}.log`);
  const config = fileURLToPath(new URL(`../config/${options.config}`, import.meta.url));
  const environment = { ...options.environment, PORT: String(port) };
  const process = start({ program: 'haproxy', arguments: ['-db', '-f', config], core, output, environment });
  return untilReady({ name, port, process }, { token, output });
}
