import { isKeyName, keyNameCharactersMax, type MadeKey, makeKey } from '../grants/index.ts';
import { parseDurationMs } from '../std/duration.ts';
import { hasInvisible } from '../std/invisible.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { actNow, withKeys } from './key-place.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface KeyCreateOptions {
  readonly environment: string;
  readonly name: string;
  readonly owner: string;
  readonly expires: string;
}

/** `headgate key create`: the key goes to standard output alone, once, so that it can be piped to where it is kept. */
export async function keyCreate(options: KeyCreateOptions, terminal: Terminal): Promise<ExitCode> {
  const { name, owner } = options;
  checkName(name);
  checkOwner(owner);
  const lifetimeMs = durationOf('--expires', options.expires);
  return withKeys(options.environment, (store, { environment }) => {
    const act = actNow();
    const { id, hash, text } = makeKey();
    const endsMs = act.nowMs + lifetimeMs;
    store.create({ id, hash, name, owner, endsMs }, act);
    terminal.err(
      `headgate: key ${name} of ${owner} in environment ${environment}, until ${dateText(endsMs)}; id ${id}\n`,
    );
    return show(text, terminal);
  });
}

export interface KeyRotateOptions {
  readonly environment: string;
  readonly name: string;
  readonly overlap: string;
  /** Default: as long as the one before it was made for. */
  readonly expires?: string;
}

/** `headgate key rotate`: a new key now; the one before it ends after the overlap. */
export async function keyRotate(options: KeyRotateOptions, terminal: Terminal): Promise<ExitCode> {
  const { name } = options;
  checkName(name);
  const overlapMs = options.overlap === '0' ? 0 : durationOf('--overlap', options.overlap);
  const givenMs = options.expires === undefined ? undefined : durationOf('--expires', options.expires);
  return withKeys(options.environment, (store) => {
    const act = actNow();
    const { id, hash, text } = makeKey();
    const lifetimeMs = givenMs ?? lifetimeOf(store.list(), name);
    const endsMs = act.nowMs + lifetimeMs;
    const change = store.rotate({ id, hash, name, endsMs }, act.nowMs + overlapMs, act);
    terminal.err(`headgate: a new key ${name}, until ${dateText(endsMs)}; id ${id}\n`);
    terminal.err(`headgate: the one before it is good until ${dateText(change.endsMs)}\n`);
    return show(text, terminal);
  });
}

/** Of the newest key with this name. Where there is none, the store refuses anyway. */
function lifetimeOf(keys: readonly { name: string; createdMs: number; endsMs: number }[], name: string): number {
  const newest = keys.find((key) => key.name === name);
  return newest === undefined ? 0 : newest.endsMs - newest.createdMs;
}

function show(text: MadeKey['text'], terminal: Terminal): ExitCode {
  terminal.err('headgate: the key is shown this once; it is sent as `Authorization: Bearer hgk_…`\n');
  terminal.out(`${text.reveal()}\n`);
  return exitCodes.ok;
}

function checkName(name: string): void {
  if (isKeyName(name)) return;
  const hint = `letters, digits, _ . and -, at most ${keyNameCharactersMax}: --name batch-scorer`;
  throw new UsageError('--name is not the name of a key', hint);
}

function checkOwner(owner: string): void {
  if (owner.trim() !== '' && owner.length <= keyNameCharactersMax && !hasInvisible(owner)) return;
  throw new UsageError('--owner is not on one line of text', 'say who answers for the key: --owner finance-leads');
}

function durationOf(option: string, text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs !== undefined) return durationMs;
  throw new UsageError(`${option} ${text} is not a duration`, 'write it like 24h or 90d; at most 365d');
}

/** A time as people write it down, to the second, in UTC. */
export function dateText(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 19)}Z`;
}
