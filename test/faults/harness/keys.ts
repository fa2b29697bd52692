import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { FaultGateway } from './gateway.ts';

const root = join(import.meta.dirname, '../../..');

export interface KeyRun {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** Its words, as other users of the machine could have read them. */
  readonly words: string;
}

/** `headgate key …` as a person runs it, on the environment of a gateway. */
export async function runKey(
  gateway: Pick<FaultGateway, 'environmentFile'>,
  words: readonly string[],
  stdin = '',
): Promise<KeyRun> {
  const all = ['key', ...words, '-e', gateway.environmentFile];
  const child = spawn(join(root, 'headgate'), all, { stdio: ['pipe', 'pipe', 'pipe'] });
  const ended = once(child, 'close');
  // A command that doesn't read it may be gone before it is written.
  child.stdin.on('error', () => undefined);
  child.stdin.end(stdin);
  const [out, err, [code]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { code: Number(code), out, err, words: all.join(' ') };
}

/** A new key by `create` or `rotate`. Its text. */
export async function newKey(gateway: FaultGateway, words: readonly string[]): Promise<string> {
  const { code, out, err } = await runKey(gateway, words);
  if (code !== 0) throw new Error(`no key: ${err}`);
  return out.trim();
}
