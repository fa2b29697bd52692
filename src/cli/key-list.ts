import { readFile } from 'node:fs/promises';
import { type ApiKey, stateOf } from '../grants/index.ts';
import { parsePolicy } from '../policy/index.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { dateText } from './key-make.ts';
import { withKeys } from './key-place.ts';
import type { Terminal } from './terminal.ts';

export interface KeyListOptions {
  readonly environment: string;
  readonly policy: string;
  readonly json?: boolean;
}

/** `headgate key list`: what is known of each key, which is never its secret. */
export async function keyList(options: KeyListOptions, terminal: Terminal): Promise<ExitCode> {
  const named = await namesIn(options.policy);
  return withKeys(options.environment, (store) => {
    const nowMs = Date.now();
    const keys = store.list();
    if (options.json)
      terminal.out(
        `${JSON.stringify(
          keys.map((key) => shape(key, nowMs)),
          null,
          2,
        )}\n`,
      );
    else terminal.out(table(keys, nowMs));
    for (const name of missing(named, keys, nowMs)) {
      const hint = `\`headgate key create --name ${name} --owner …\``;
      terminal.err(`headgate: the policy names the key ${name}, and there is no valid one: ${hint}\n`);
    }
    return exitCodes.ok;
  });
}

function shape(key: ApiKey, nowMs: number): object {
  const { id, name, owner, createdMs, endsMs, revokedMs } = key;
  return {
    id,
    name,
    owner,
    created: new Date(createdMs).toISOString(),
    expires: new Date(endsMs).toISOString(),
    state: stateOf(key, nowMs),
    ...(revokedMs !== undefined && { revoked: new Date(revokedMs).toISOString() }),
  };
}

function table(keys: readonly ApiKey[], nowMs: number): string {
  if (keys.length === 0) return 'no keys\n';
  const rows = keys.map((key) => [
    key.id,
    key.name,
    key.owner,
    dateText(key.createdMs),
    dateText(key.endsMs),
    stateOf(key, nowMs),
  ]);
  const all = [['ID', 'NAME', 'OWNER', 'CREATED', 'EXPIRES', 'STATE'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const lines = all.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  '));
  return `${lines.join('\n')}\n`;
}

/** Keys that groups of the policy name; none where it can't be read, which is `check`'s to tell. */
async function namesIn(policyFile: string): Promise<readonly string[]> {
  const text = await readFile(policyFile, 'utf8').catch(() => undefined);
  const policy = text === undefined ? undefined : parsePolicy(text, policyFile).value;
  const terms = policy?.groups.flatMap(({ anyOf }) => anyOf.flatMap(({ allOf }) => allOf)) ?? [];
  return [...new Set(terms.flatMap(({ keyName }) => keyName?.value ?? []))];
}

function missing(named: readonly string[], keys: readonly ApiKey[], nowMs: number): string[] {
  const valid = new Set(keys.filter((key) => stateOf(key, nowMs) === 'valid').map(({ name }) => name));
  return named.filter((name) => !valid.has(name));
}
