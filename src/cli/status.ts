import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { ControlFault, type HeadgateStatus, messageOf } from '../control/index.ts';
import { parseHostPort, printHostPort } from '../std/host-port.ts';
import { boundEnvironment } from './bound-environment.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { statusText } from './status-text.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

export interface StatusOptions {
  readonly environment: string;
  /** `host:port`; default: what the environment says. */
  readonly admin?: string;
  readonly json?: boolean;
}

const timeoutMs = 5000;

/** `headgate status`: what a gateway at work says of itself. */
export async function status(options: StatusOptions, terminal: Terminal): Promise<ExitCode> {
  const address = options.admin ?? printHostPort((await boundEnvironment(options.environment)).admin.value);
  const found = await ask(address);
  terminal.out(options.json ? `${JSON.stringify(found, null, 2)}\n` : statusText(found, Date.now()));
  return found.ready ? exitCodes.ok : exitCodes.no;
}

async function ask(address: string): Promise<HeadgateStatus> {
  try {
    return JSON.parse(await getText(address, '/status')) as HeadgateStatus;
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const hint = 'is Headgate up? --admin names another address';
    throw new ControlFault('start-failed', `no answer from the admin address ${address}: ${messageOf(cause)}`, {
      hint,
      cause,
    });
  }
}

/** Not `fetch`, which refuses a hundred ports that browsers must not call. */
async function getText(address: string, path: string): Promise<string> {
  const parsed = parseHostPort(address);
  if ('fault' in parsed) throw new UsageError(`--admin ${address} ${parsed.fault}`);
  const outgoing = get({ ...parsed, path, signal: AbortSignal.timeout(timeoutMs) });
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const text = (await incoming.setEncoding('utf8').toArray()).join('');
  if (incoming.statusCode !== 200) throw new Error(`it answers ${incoming.statusCode}: ${text.trim()}`);
  return text;
}
