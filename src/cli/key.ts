import type { Command } from 'commander';
import type { ExitCode } from './exit-codes.ts';
import { defaultPolicy, withEnvironment } from './files.ts';
import { type KeyListOptions, keyList } from './key-list.ts';
import { type KeyCreateOptions, type KeyRotateOptions, keyCreate, keyRotate } from './key-make.ts';
import { type KeyRevokeOptions, keyRevoke } from './key-revoke.ts';
import type { Terminal } from './terminal.ts';

export interface KeyVerb {
  readonly root: Command;
  readonly terminal: Terminal;
  readonly end: (code: ExitCode) => void;
}

/** `headgate key`: API keys of one environment. */
export function addKey({ root, terminal, end }: KeyVerb): void {
  const verb = root.command('key').description('make, list, rotate and revoke API keys');
  withEnvironment(verb.command('create'))
    .description('make a key and show it, once, on standard output')
    .requiredOption('--name <name>', 'what groups of the policy name it by')
    .requiredOption('--owner <owner>', 'who answers for it')
    .option('--expires <duration>', 'how long it is good for; at most 365d', '90d')
    .action(async (options: KeyCreateOptions) => end(await keyCreate(options, terminal)));
  withEnvironment(verb.command('list'))
    .description('show what is known of each key; never the key')
    .option('-p, --policy <file>', 'the policy, to tell of keys that it names and nobody has', defaultPolicy)
    .option('--json', 'as JSON')
    .action(async (options: KeyListOptions) => end(await keyList(options, terminal)));
  withEnvironment(verb.command('rotate'))
    .description('make the next key; the one before it ends after the overlap')
    .requiredOption('--name <name>', 'the name of the key')
    .option('--overlap <duration>', 'how long both are good; 0 ends the old one now', '24h')
    .option('--expires <duration>', 'how long the new one is good for (default: as long as the one before it)')
    .action(async (options: KeyRotateOptions) => end(await keyRotate(options, terminal)));
  withEnvironment(verb.command('revoke'))
    .description('end a key for good, at once, and say which engines have confirmed')
    .argument('[id]', 'the id of a key')
    .option('--name <name>', 'all valid keys of this name')
    .option('--stdin', 'read the leaked key itself from standard input')
    .option('--wait <duration>', 'how long a gateway may take to confirm', '5s')
    .option('--json', 'as JSON')
    .action(async (id: string | undefined, options: KeyRevokeOptions) => end(await keyRevoke(id, options, terminal)));
}
