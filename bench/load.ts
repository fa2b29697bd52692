import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { loadCore } from './processes.ts';
import { predictBody, predictPath } from './request.ts';
import type { TokenFile } from './tokens.ts';

const run = promisify(execFile);
const script = fileURLToPath(new URL('load.lua', import.meta.url));
const connections = 32;

export interface LoadOptions {
  readonly port: number;
  readonly tokens: TokenFile;
  /** How many of the file's tokens take turns. */
  readonly tokenCount: number;
  /** Which of them begins, from 0. */
  readonly firstToken: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
}

/** Sends what one core can, over 32 connections. Throws where an answer wasn't 2xx: refusals are no figure. */
export async function load({ port, tokens, tokenCount, firstToken, seconds }: LoadOptions): Promise<LoadResult> {
  const wrk = ['wrk', '-t1', `-c${connections}`, `-d${seconds}s`, '-s', script, `http://127.0.0.1:${port}`];
  const sent = ['--', tokens.file, String(tokenCount), String(firstToken), predictPath, predictBody];
  const { stdout } = await run('taskset', ['-c', String(loadCore), ...wrk, ...sent]);
  const [, requests, micros, refused, broken] = /^RESULT (\d+) (\d+) (\d+) (\d+)$/m.exec(stdout)?.map(Number) ?? [];
  if (requests === undefined || micros === undefined) throw new Error(`wrk said nothing that can be read: ${stdout}`);
  if (refused !== 0 || broken !== 0 || requests === 0) {
    throw new Error(`of ${requests} answers ${refused} were no success, and ${broken} never came`);
  }
  return { requests, seconds: micros / 1e6 };
}
