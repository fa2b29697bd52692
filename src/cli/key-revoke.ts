import { setTimeout as sleep } from 'node:timers/promises';
import { isStateLocked } from '../control/index.ts';
import { livingProcesses } from '../engines/haproxy/index.ts';
import { type ApiKey, isKeyId, isKeyText, type KeyGateway, type KeyStore, stateOf } from '../grants/index.ts';
import { parseDurationMs } from '../std/duration.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { keysIn } from './key-leaked.ts';
import { actNow, type KeyPlace, withKeys } from './key-place.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface KeyRevokeOptions {
  readonly environment: string;
  readonly name?: string;
  readonly stdin?: boolean;
  /** How long a gateway may take to confirm. */
  readonly wait: string;
  readonly json?: boolean;
}

/** Between two looks at what has been confirmed. */
const lookMs = 20;

/** `headgate key revoke`: ends keys for good, and says which engines have ended what they kept of them. */
export async function keyRevoke(
  id: string | undefined,
  options: KeyRevokeOptions,
  terminal: Terminal,
): Promise<ExitCode> {
  const waitMs = parseDurationMs(options.wait);
  if (waitMs === undefined) throw new UsageError(`--wait ${options.wait} is not a duration`, 'write it like 5s');
  checkWhich(id, options);
  const leaked = options.stdin ? await stdinText() : undefined;
  return withKeys(options.environment, async (store, place) => {
    const keys = leaked === undefined ? chosen(store, id, options.name) : keysIn(leaked, store);
    if (keys.length === 0) {
      terminal.err(`headgate: ${nothingText(id, options)}\n`);
      return exitCodes.no;
    }
    const act = actNow();
    const changes = store.revoke(
      keys.map((key) => key.id),
      act,
    );
    const last = changes.at(-1)?.number ?? store.lastChangeBefore(Number.MAX_SAFE_INTEGER);
    const confirmed = await confirmation(store, place, { last, sinceMs: act.nowMs, waitMs });
    const told = { keys, again: new Set(keys.filter(({ revokedMs }) => revokedMs !== undefined)), confirmed };
    terminal.out(options.json ? `${JSON.stringify(shape(told), null, 2)}\n` : text(told));
    return confirmed.every(({ afterMs }) => afterMs !== undefined) ? exitCodes.ok : exitCodes.no;
  });
}

function checkWhich(id: string | undefined, { name, stdin }: KeyRevokeOptions): void {
  if (id !== undefined && isKeyText(id)) {
    const hint = 'other users see the words of a command: pipe the key into `headgate key revoke --stdin`';
    throw new UsageError('that is a key itself, not its id', hint);
  }
  const given = [id, name, stdin || undefined].filter((each) => each !== undefined);
  if (given.length !== 1) {
    const hint = '`headgate key revoke ID`, `--name batch-scorer`, or `--stdin` for a leaked key itself';
    throw new UsageError('revoke needs an id, or --name, or --stdin: one of them', hint);
  }
  if (id !== undefined && !isKeyId(id))
    throw new UsageError(`${id} is not the id of a key`, '`headgate key list` has them');
}

/** A name means its valid keys. */
function chosen(store: KeyStore, id: string | undefined, name: string | undefined): readonly ApiKey[] {
  const nowMs = Date.now();
  const keys = store.list();
  if (id !== undefined) return keys.filter((key) => key.id === id);
  return keys.filter((key) => key.name === name && stateOf(key, nowMs) === 'valid');
}

function nothingText(id: string | undefined, { name }: KeyRevokeOptions): string {
  if (id !== undefined) return `there is no key with the id ${id}; \`headgate key list\` shows all`;
  if (name !== undefined) return `${name} has no valid key; \`headgate key list\` shows all`;
  return 'none of the keys that were given is one of this environment: another --environment may have made it';
}

/** What one gateway, or what is left of one, has to say. */
interface Confirmed {
  readonly engine: string;
  readonly processes: readonly string[];
  /** Milliseconds; undefined: not confirmed. */
  readonly afterMs: number | undefined;
}

interface Waiting {
  readonly last: number;
  readonly sinceMs: number;
  readonly waitMs: number;
}

/** Empty: nothing runs that could have kept anything. */
async function confirmation(
  store: KeyStore,
  { state }: KeyPlace,
  { last, sinceMs, waitMs }: Waiting,
): Promise<readonly Confirmed[]> {
  if (!isStateLocked(state)) return orphans(state);
  const untilMs = Date.now() + waitMs;
  for (;;) {
    const gateways = store.gateways();
    const isDone = gateways.length > 0 && gateways.every(({ confirmed }) => confirmed >= last);
    if (isDone || Date.now() > untilMs) {
      const found = gateways.map((gateway) => confirmedBy(gateway, { last, sinceMs }));
      return found.length > 0 ? found : [{ engine: 'a gateway that is starting', processes: [], afterMs: undefined }];
    }
    await sleep(lookMs);
  }
}

function confirmedBy(
  { engine, processes, confirmed, confirmedMs, pid }: KeyGateway,
  { last, sinceMs }: Pick<Waiting, 'last' | 'sinceMs'>,
): Confirmed {
  const isConfirmed = confirmed >= last;
  return {
    engine,
    processes: isConfirmed && processes.length > 0 ? processes : [`gateway (pid ${pid})`],
    afterMs: isConfirmed ? Math.max(0, confirmedMs - sinceMs) : undefined,
  };
}

/** HAProxy processes whose gate has gone: they go on with what they keep until a gate is there again. */
async function orphans(state: string): Promise<readonly Confirmed[]> {
  const pids = await livingProcesses(state);
  if (pids.length === 0) return [];
  return [
    { engine: 'haproxy', processes: pids.map((pid) => `haproxy without its gateway (pid ${pid})`), afterMs: undefined },
  ];
}

async function stdinText(): Promise<string> {
  process.stdin.setEncoding('utf8');
  let text = '';
  for await (const chunk of process.stdin) {
    text += String(chunk);
    if (text.length > stdinCharactersMax)
      throw new UsageError('that is too long for standard input', 'give it the key alone');
  }
  return text;
}

const stdinCharactersMax = 1_000_000;

interface Told {
  readonly keys: readonly ApiKey[];
  /** Those that were revoked before. */
  readonly again: ReadonlySet<ApiKey>;
  readonly confirmed: readonly Confirmed[];
}

function text({ keys, again, confirmed }: Told): string {
  const lines = keys.map((key) => {
    const what = again.has(key) ? 'was revoked before' : 'is revoked';
    return `key ${key.name} of ${key.owner} (${key.id}) ${what}`;
  });
  if (confirmed.length === 0) lines.push('no gateway runs on this environment: there is nothing to confirm');
  for (const { engine, processes, afterMs } of confirmed) {
    const who = `${engine}: ${processes.join(', ')}`;
    lines.push(afterMs === undefined ? `NOT confirmed by ${who}` : `confirmed by ${who} after ${afterMs} ms`);
  }
  if (confirmed.some(({ afterMs }) => afterMs === undefined))
    lines.push(
      'what is not confirmed may let the key in for up to 5 minutes: start the gateway, or end these processes',
    );
  return `${lines.join('\n')}\n`;
}

function shape({ keys, again, confirmed }: Told): object {
  return {
    keys: keys.map((key) => ({ id: key.id, name: key.name, owner: key.owner, revokedBefore: again.has(key) })),
    confirmed: confirmed.every(({ afterMs }) => afterMs !== undefined),
    engines: confirmed.map(({ engine, processes, afterMs }) => ({ engine, processes, afterMs: afterMs ?? null })),
  };
}
