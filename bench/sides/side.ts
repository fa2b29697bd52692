import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Running } from '../processes.ts';
import { predictBody, predictPath } from '../request.ts';
import type { Issuer } from '../tokens.ts';

const readyMsMax = 30_000;
const pollMs = 50;
const outputCharactersShown = 2000;

/** One of the things that are compared: a proxy that runs on the proxy core and forwards to the upstream. */
export interface Side {
  readonly name: string;
  readonly port: number;
  /** The root of all processes whose time counts. */
  readonly process: Running;
  /** The end of what its processes wrote to standard output and standard error. */
  said(): string;
}

/** What every side needs to start. */
export interface SideSetting {
  /** Folder for files of this run, removed at its end. */
  readonly folder: string;
  readonly upstreamPort: number;
  /** Where gRPC is spoken, if it is a part of the comparison. */
  readonly grpcPort?: number;
  readonly issuer: Issuer;
  readonly token: string;
}

/** Waits until a prediction is answered 200. Throws with the end of the side's output where that doesn't come. */
export async function untilReady(
  started: Omit<Side, 'said'>,
  { token, output }: { readonly token: string; readonly output: string },
): Promise<Side> {
  const side = { ...started, said: () => readFileSync(output, 'utf8').slice(-outputCharactersShown) };
  const endMs = Date.now() + readyMsMax;
  let last = 'no answer';
  while (Date.now() < endMs && side.process.exitCode() === undefined) {
    last = await predictOnce(side.port, token);
    if (last === '200') return side;
    await sleep(pollMs);
  }
  await side.process.stop();
  throw new Error(`${side.name} never answered 200 (${last}):\n${side.said()}`);
}

function predictOnce(port: number, token: string): Promise<string> {
  return new Promise((resolve) => {
    const headers = {
      host: 'models.example.test',
      authorization: `Bearer ${token}`,
      'content-type': 'application/json',
      'content-length': predictBody.length,
    };
    const call = request(
      { host: '127.0.0.1', port, path: predictPath, method: 'POST', headers, agent: false },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('end', () =>
          resolve(answer.statusCode === 200 ? '200' : `${answer.statusCode} ${Buffer.concat(chunks)}`),
        );
        answer.on('error', (error) => resolve(error.message));
      },
    );
    call.on('error', (error) => resolve(error.message));
    call.end(predictBody);
  });
}
