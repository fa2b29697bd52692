import { adminAddress, askStatus } from './ask-admin.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { statusText } from './status-text.ts';
import type { Terminal } from './terminal.ts';

export interface StatusOptions {
  readonly environment: string;
  /** `host:port`; default: what the environment says. */
  readonly admin?: string;
  readonly json?: boolean;
}

/** `headgate status`: what a gateway at work says of itself. */
export async function status(options: StatusOptions, terminal: Terminal): Promise<ExitCode> {
  const found = await askStatus(await adminAddress(options));
  terminal.out(options.json ? `${JSON.stringify(found, null, 2)}\n` : statusText(found, Date.now()));
  return found.ready ? exitCodes.ok : exitCodes.no;
}
