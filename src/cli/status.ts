import { ControlFault, type HeadgateStatus, messageOf } from '../control/index.ts';
import { printHostPort } from '../std/host-port.ts';
import { boundEnvironment } from './bound-environment.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { statusText } from './status-text.ts';
import type { Terminal } from './terminal.ts';

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
    const response = await fetch(`http://${address}/status`, { signal: AbortSignal.timeout(timeoutMs) });
    if (!response.ok) throw new Error(`it answers ${response.status}: ${(await response.text()).trim()}`);
    return (await response.json()) as HeadgateStatus;
  } catch (cause) {
    const why = cause instanceof TypeError ? messageOf(cause.cause ?? cause) : messageOf(cause);
    const hint = 'is Headgate up? --admin names another address';
    throw new ControlFault('start-failed', `no answer from the admin address ${address}: ${why}`, { hint, cause });
  }
}
