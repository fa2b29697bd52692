import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo, Server as NetServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder with a policy, an environment and an upstream that answers everything, for tests. */
export interface Workshop {
  readonly folder: string;
  readonly policyFile: string;
  readonly environmentFile: string;
  writePolicy(text: string): Promise<void>;
  writeEnvironment(text: string): Promise<void>;
  close(): Promise<void>;
}

/** Lets anyone ask for the status of `m`, and nobody for anything else. */
export const statusPolicy = [
  'version: 1',
  'services: { scoring: { protocol: tensorflow-serving, models: { m: {} } } }',
  'rules:',
  '  - { name: status is for all, allow: anyone, to: status, at: scoring/m }',
  '',
].join('\n');

export async function openWorkshop(record: 'required' | 'best-effort' = 'required'): Promise<Workshop> {
  const folder = await mkdtemp(join(tmpdir(), 'hg-control-'));
  const upstream = createServer((_request, response) => response.end('{}'));
  const port = await listen(upstream);
  const policyFile = join(folder, 'headgate.yaml');
  const environmentFile = join(folder, 'dev.yaml');
  // In one step, as careful editors write: no half a file is ever there.
  const write = async (file: string, text: string): Promise<void> => {
    await writeFile(`${file}.new`, text);
    await rename(`${file}.new`, file);
  };
  await write(policyFile, statusPolicy);
  await write(environmentFile, environmentText(folder, { port, record }));
  return {
    folder,
    policyFile,
    environmentFile,
    writePolicy: (text) => write(policyFile, text),
    writeEnvironment: (text) => write(environmentFile, text),
    async close() {
      upstream.closeAllConnections();
      await new Promise((resolve) => upstream.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function environmentText(folder: string, { port, record }: { readonly port: number; readonly record: string }): string {
  return [
    'version: 1',
    'environment: dev',
    'engine: embedded',
    `state: ${folder}`,
    'listeners: [ { name: public, address: 127.0.0.1:0 } ]',
    `services: { scoring: { endpoints: [ { rest: 127.0.0.1:${port} } ] } }`,
    `audit: { directory: ${join(folder, 'audit')}, record: ${record} }`,
    'admin: 127.0.0.1:0',
    '',
  ].join('\n');
}

/** On a free port. */
export async function listen(server: NetServer): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

/** Waits for a condition, at most 5 seconds unless told. */
export async function eventually(
  holds: () => Promise<boolean> | boolean,
  what: string,
  withinMs = 5000,
): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`it did not come about within ${withinMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
