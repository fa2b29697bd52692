import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { freePort, proxyCore, start } from '../processes.ts';
import { type Side, type SideSetting, untilReady } from './side.ts';

/** The leanest Node proxy there is, without identity, access or log. */
export async function startBareNode({ folder, upstreamPort, token }: SideSetting): Promise<Side> {
  const port = await freePort();
  const output = join(folder, 'bare-node.log');
  const script = fileURLToPath(new URL('bare-node-proxy.ts', import.meta.url));
  const command = { program: process.execPath, arguments: [script, String(port), String(upstreamPort)] };
  const running = start({ ...command, core: proxyCore, output });
  return untilReady({ name: 'bare-node', port, process: running }, { token, output });
}
