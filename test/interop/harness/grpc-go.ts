import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { ensureInterop, type InteropPrograms } from '../../../scripts/interop.mjs';
import { freePort } from '../../faults/harness/ports.ts';

/** What a program says of failures is kept up to this many lines, for the message of ours. */
const saidLinesMax = 6;
/** What it says of soaks that went well. */
const isOfNoInterest = /succeeded$|^\[|^$/;
/** How long one case may take on a busy machine; the longest takes two seconds by itself. */
const caseMsMax = 60_000;
const readyMsMax = 20_000;

let programs: InteropPrograms | undefined;

/** Other people's programs; fails with the command that sets them up. */
export function interopPrograms(): InteropPrograms {
  if (programs !== undefined) return programs;
  const found = ensureInterop();
  if (found.missing === undefined) {
    programs = found;
    return found;
  }
  const { name, why, remedy } = found.missing;
  throw new Error(`${name} is missing (${why}). Run: ${remedy}`);
}

/** grpc-go's interop server, as a process of its own. */
export interface GoServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startGoServer(): Promise<GoServer> {
  const port = await freePort();
  const child = spawn(interopPrograms().server, ['-port', String(port)], { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = saidBy(child);
  const endMs = Date.now() + readyMsMax;
  while (!(await listens(port))) {
    const isGone = child.exitCode !== null || child.signalCode !== null;
    if (!isGone && Date.now() < endMs) continue;
    child.kill('SIGKILL');
    throw new Error(`grpc-go's interop server does not listen: ${said()}`);
  }
  return { port, close: () => ended(child) };
}

/** Where the client calls, and what it sends with each call. */
export interface GoClientTarget {
  readonly port: number;
  /** File of the certificate that it trusts; it then calls over TLS. */
  readonly ca?: string;
  /** `authorization:Bearer …` */
  readonly metadata?: string;
}

/** Runs one case of the client. Why it failed, or undefined. */
export async function goClientFails(
  testCase: string,
  { port, ca, metadata }: GoClientTarget,
  more: readonly string[] = [],
): Promise<string | undefined> {
  const words = [
    ...['-server_host', ca === undefined ? '127.0.0.1' : 'localhost', '-server_port', String(port)],
    ...['-test_case', testCase],
    ...(ca === undefined ? [] : ['-use_tls', '-use_test_ca', '-ca_file', ca]),
    ...(metadata === undefined ? [] : ['-additional_metadata', metadata]),
    ...more,
  ];
  const child = spawn(interopPrograms().client, words, { stdio: ['ignore', 'ignore', 'pipe'] });
  const said = saidBy(child);
  const late = setTimeout(() => child.kill('SIGKILL'), caseMsMax);
  const [code, signal] = await once(child, 'close');
  clearTimeout(late);
  return code === 0 ? undefined : `${testCase}: ${signal ?? code}: ${said()}`;
}

function saidBy(child: ChildProcess): () => string {
  const said: string[] = [];
  const reader = createInterface({ input: child.stderr ?? assert.fail('it has no output') });
  reader.on('line', (line) => {
    if (!isOfNoInterest.test(line) && said.length < saidLinesMax) said.push(line);
  });
  return () => said.join('\n');
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => setTimeout(() => resolve(false), 20));
  });
}
