import { type ChildProcess, fork } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type RunningHeadgate, startHeadgate } from '../src/control/index.ts';
import type { EngineName } from '../src/plan/index.ts';
import { type RunningProvider, startProvider } from './provider.ts';

export const policyFile = 'demo/headgate.yaml';
export const environmentFile = 'demo/environments/dev.yaml';

export interface WorldOptions {
  /** Default: what the environment says. */
  readonly engine?: EngineName | undefined;
  /** Free ports and a folder of its own, for runs beside others; else what `demo/environments/dev.yaml` says. */
  readonly apart: boolean;
  readonly log: (line: string) => void;
}

/** Everything that the demo runs. */
export interface World {
  readonly headgate: RunningHeadgate;
  readonly issuer: string;
  /** The environment file in force. */
  readonly environmentFile: string;
  /** Address of the gateway: `http://127.0.0.1:8080`. */
  readonly gateway: string;
  readonly replicas: readonly { readonly name: string; readonly rest: string; readonly pid: number | undefined }[];
  stop(): Promise<void>;
}

const graceMs = 3000;

/** Starts the provider, two replicas, and Headgate in front of them. */
export async function startWorld({ engine, apart, log }: WorldOptions): Promise<World> {
  await using undo = new AsyncDisposableStack();
  const provider = await startProvider(apart ? 0 : 9000).catch(portTaken);
  undo.defer(() => provider.close());
  const start = async (name: string, ports: readonly [number, number]): Promise<StartedReplica> =>
    undo.adopt(await startReplica(name, apart ? [0, 0] : ports, log), (replica) => replica.stop());
  const replicas = [await start('replica-1', [8501, 8500]), await start('replica-2', [8511, 8510])];
  const file = apart ? await environmentApart(provider, replicas, undo) : environmentFile;
  const headgate = await startHeadgate({ policyFile, environmentFile: file, engine, log });
  undo.defer(() => headgate.stop(graceMs));
  const { host, port } = headgate.addresses.public ?? headgate.admin;
  const kept = undo.move();
  return {
    headgate,
    issuer: provider.issuer,
    environmentFile: file,
    gateway: `http://${host}:${port}`,
    replicas: replicas.map(({ name, restPort, pid }) => ({ name, rest: `127.0.0.1:${restPort}`, pid })),
    stop: () => kept.disposeAsync(),
  };
}

function portTaken(cause: unknown): never {
  if (cause instanceof Error && 'code' in cause && cause.code === 'EADDRINUSE') {
    throw new Error(`${cause.message}: something else listens there. \`npm start -- --apart\` takes free ports`);
  }
  throw cause;
}

interface StartedReplica {
  readonly name: string;
  readonly restPort: number;
  readonly grpcPort: number;
  readonly pid: number | undefined;
  stop(): Promise<void>;
}

/** A process of its own, so that one can be killed to see the other take over. */
async function startReplica(
  name: string,
  [rest, grpc]: readonly [number, number],
  log: (line: string) => void,
): Promise<StartedReplica> {
  const file = join(import.meta.dirname, 'model-server.ts');
  const args = ['--rest', String(rest), '--grpc', String(grpc), '--name', name];
  // Detached: Ctrl-C in a terminal reaches the demo alone, which then ends its replicas after the gateway has drained.
  const child = fork(file, args, { stdio: 'pipe', detached: true });
  const said: Buffer[] = [];
  child.stderr?.on('data', (chunk: Buffer) => said.push(chunk));
  const ports = await readyOf(child).catch((fault: Error) => {
    const words = Buffer.concat(said).toString();
    throw new Error(
      `${name} ${fault.message}${words.includes('EADDRINUSE') ? `: port ${rest} or ${grpc} is taken. \`npm start -- --apart\` takes free ones` : `\n${words}`}`,
    );
  });
  let stopping = false;
  child.once('exit', () => {
    if (!stopping) log(`${name} has ended; the other one goes on`);
  });
  return {
    name,
    ...ports,
    pid: child.pid,
    async stop() {
      stopping = true;
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await ended;
    },
  };
}

function readyOf(child: ChildProcess): Promise<{ restPort: number; grpcPort: number }> {
  return new Promise((resolve, reject) => {
    child.once('message', (ports: { restPort: number; grpcPort: number }) => resolve(ports));
    child.once('exit', () => reject(new Error('did not start')));
  });
}

/** The demo's environment with other ports and places: the same text otherwise. */
async function environmentApart(
  provider: RunningProvider,
  replicas: readonly StartedReplica[],
  undo: AsyncDisposableStack,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'headgate-demo-'));
  undo.defer(() => rm(folder, { recursive: true, force: true }));
  const [first, second] = replicas;
  const changes: readonly (readonly [string, string])[] = [
    ['http://127.0.0.1:9000', provider.issuer],
    ['127.0.0.1:8501', `127.0.0.1:${first?.restPort}`],
    ['127.0.0.1:8500', `127.0.0.1:${first?.grpcPort}`],
    ['127.0.0.1:8511', `127.0.0.1:${second?.restPort}`],
    ['127.0.0.1:8510', `127.0.0.1:${second?.grpcPort}`],
    ['127.0.0.1:8080', '127.0.0.1:0'],
    ['127.0.0.1:9900', '127.0.0.1:0'],
    ['demo/var', folder],
  ];
  const text = await readFile(environmentFile, 'utf8');
  const file = join(folder, 'dev.yaml');
  await writeFile(
    file,
    changes.reduce((changed, [from, to]) => changed.replaceAll(from, to), text),
  );
  return file;
}
