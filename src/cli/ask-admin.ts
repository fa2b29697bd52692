import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { ControlFault, type HeadgateStatus, messageOf } from '../control/index.ts';
import { parseHostPort, printHostPort } from '../std/host-port.ts';
import { boundEnvironment } from './bound-environment.ts';
import { UsageError } from './usage-error.ts';

const timeoutMs = 5000;

/** The admin address that was given, or the environment's. */
export async function adminAddress(options: {
  readonly environment: string;
  /** `host:port` */
  readonly admin?: string;
}): Promise<string> {
  return options.admin ?? printHostPort((await boundEnvironment(options.environment)).admin.value);
}

/** What the gateway at this admin address says of itself. Throws `start-failed` where nobody answers. */
export async function askStatus(address: string): Promise<HeadgateStatus> {
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

/** A page of the admin address. Not `fetch`, which refuses a hundred ports that browsers must not call. */
export async function getText(address: string, path: string): Promise<string> {
  const parsed = parseHostPort(address);
  if ('fault' in parsed) throw new UsageError(`--admin ${address} ${parsed.fault}`);
  const outgoing = get({ ...parsed, path, signal: AbortSignal.timeout(timeoutMs) });
  const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage];
  const text = (await incoming.setEncoding('utf8').toArray()).join('');
  if (incoming.statusCode !== 200) throw new Error(`it answers ${incoming.statusCode}: ${text.trim()}`);
  return text;
}
