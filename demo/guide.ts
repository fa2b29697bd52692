import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { machines, people } from './accounts.ts';
import { firstCall, send, somePayment, tokenFor } from './calls.ts';
import { shortBody } from './once.ts';
import { policyFile, type World } from './world.ts';

/** Writes a token a caller to `<state>/tokens`, so that what is to be pasted stays short. */
export async function writeTokens(world: World): Promise<string> {
  const folder = join(world.headgate.plan().state, 'tokens');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const account of [...machines, ...Object.keys(people)]) {
    await writeFile(join(folder, account), (await tokenFor(world, account)) ?? '', { mode: 0o600 });
  }
  return folder;
}

/** What runs where. */
export function headingText({ headgate, issuer, gateway, replicas, environmentFile }: World): string {
  const { engine, epoch, environment } = headgate.plan();
  const rows = [
    ['gateway', `${gateway} on the ${engine} engine, environment ${environment}, epoch ${epoch}`],
    ['policy', `${policyFile} with ${environmentFile}`],
    ['provider', `${issuer}; people ${Object.keys(people).join(', ')}; machines ${machines.join(', ')}`],
    ...replicas.map(({ name, rest, pid }) => [name, `${rest}, pid ${pid}`]),
    ['admin', `http://${headgate.admin.host}:${headgate.admin.port} has /readyz, /metrics, /status`],
  ];
  const lines = rows.map(([name = '', value = '']) => `  ${name.padEnd(10)} ${value}`);
  return ['Headgate in front of two replicas of a model server', ...lines].join('\n');
}

/** Makes the first call, and says what came. */
export async function firstCallText(world: World): Promise<string> {
  const answer = await send(world.gateway, firstCall, await tokenFor(world, firstCall.as));
  return `${firstCall.method} ${firstCall.path} as ${firstCall.as} → ${answer.status}\n  ${shortBody(answer)}`;
}

/** What to paste into another terminal. */
export function pasteText({ gateway, environmentFile }: World, tokens: string): string {
  const curl = (account: string, model: string): string =>
    [
      `curl -s ${gateway}/v1/models/${model}:predict`,
      `-H "Authorization: Bearer $(cat ${join(tokens, account)})"`,
      `-d '${JSON.stringify(somePayment)}'`,
    ].join(' ');
  const statuses = curl('alice', 'finance-prod').replace('curl -s', "curl -s -o /dev/null -w '%{http_code}\\n'");
  return [
    'Paste into another terminal, in this folder:',
    '',
    '  # allowed: a machine scores with its own model',
    `  ${curl('batch-scorer', 'finance-prod')}`,
    '',
    '  # denied: credit scores stay in finance',
    `  ${curl('alice', 'finance-credit')}`,
    '',
    '  # throttled: 5 at once, then 30 a minute',
    `  for i in 1 2 3 4 5 6 7 8; do ${statuses}; done`,
    '',
    '  # and',
    `  ./headgate status -e ${environmentFile}`,
    `  ./headgate audit verify -e ${environmentFile}`,
    '',
    `Change ${policyFile} while it runs: a good change is in force at once, a broken one is told here and changes nothing.`,
  ].join('\n');
}
