import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { treeOf } from './cpu.ts';

/** What is measured has a core to itself; the load and the upstream share the other. */
export const proxyCore = 0;
export const loadCore = 1;

const stopMsMax = 5000;

export interface Command {
  readonly program: string;
  readonly arguments: readonly string[];
  readonly core: number;
  /** File that standard output and standard error are appended to. */
  readonly output: string;
  readonly folder?: string;
  readonly environment?: Readonly<Record<string, string>>;
}

export interface Running {
  readonly pid: number;
  /** Undefined while it lives. */
  exitCode(): number | null | undefined;
  /** SIGTERM, then SIGKILL for what is left of its tree after five seconds. */
  stop(): Promise<void>;
}

/** Starts a program on one core. */
export function start(command: Command): Running {
  const file = openSync(command.output, 'a');
  const child = spawn('taskset', ['-c', String(command.core), command.program, ...command.arguments], {
    stdio: ['ignore', file, file],
    cwd: command.folder,
    env: { ...process.env, ...command.environment },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`can't start ${command.program}: is taskset (util-linux) installed?`);
  return {
    pid,
    exitCode: () => (child.exitCode === null && child.signalCode === null ? undefined : child.exitCode),
    stop: () => stop(child, pid),
  };
}

async function stop(child: ChildProcess, pid: number): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const tree = treeOf(pid);
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  await Promise.race([gone, sleep(stopMsMax, undefined, { ref: false })]);
  for (const one of tree) killQuietly(one);
}

function killQuietly(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It is gone, which is what was wanted.
  }
}

/** Whether a program can be found on the PATH. */
export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v "$1"`, 'sh', program], { stdio: 'ignore' }).status === 0;
}

/** Below what Linux gives to outgoing connections by itself (from 32768): a load of thousands of them can't take it away. */
const ports = { first: 20_000, count: 10_000, triesMax: 100 };

/** A TCP port on the loopback that nobody listens on at the moment. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < ports.triesMax; tries += 1) {
    const port = ports.first + randomInt(ports.count);
    if (await isFree(port)) return port;
  }
  throw new Error('no free port');
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
