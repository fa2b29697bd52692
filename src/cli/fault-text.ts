import { ControlFault } from '../control/index.ts';
import { KeyRefusal, StoreFault } from '../grants/index.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** Whatever a command threw, as a person reads it, and the exit code that goes with it. */
export function faultText(fault: unknown): { readonly text: string; readonly code: ExitCode } {
  if (fault instanceof UsageError) return { text: lines(fault.message, fault.hint), code: exitCodes.usage };
  if (fault instanceof ControlFault) return { text: lines(fault.message, fault.hint), code: codeOf(fault) };
  if (fault instanceof KeyRefusal) return { text: lines(fault.message, fault.hint), code: exitCodes.no };
  if (fault instanceof StoreFault) return { text: lines(fault.message, fault.hint), code: exitCodes.failed };
  // A fault that nobody foresaw: here the place in the source is what helps.
  const text = fault instanceof Error ? (fault.stack ?? fault.message) : String(fault);
  return { text: `headgate: unforeseen fault\n${text}\n`, code: exitCodes.failed };
}

function lines(message: string, hint: string | undefined): string {
  return `headgate: ${message}\n${hint === undefined ? '' : `  hint: ${hint}\n`}`;
}

function codeOf({ code }: ControlFault): ExitCode {
  switch (code) {
    case 'file-unreadable':
      return exitCodes.usage;
    case 'files-rejected':
    case 'engine-rejected':
      return exitCodes.no;
    case 'address-taken':
    case 'state-taken':
    case 'start-failed':
    case 'engine-failed':
      return exitCodes.failed;
    default:
      return code satisfies never;
  }
}
