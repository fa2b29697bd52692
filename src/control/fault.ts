export type FaultCode =
  | 'file-unreadable'
  | 'files-rejected'
  | 'engine-rejected'
  | 'address-taken'
  | 'state-taken'
  | 'start-failed'
  | 'engine-failed';

/** What stands in the way of running, for the operator. `hint`: what to do about it. */
export class ControlFault extends Error {
  override readonly name = 'ControlFault';
  readonly code: FaultCode;
  readonly hint: string | undefined;

  constructor(code: FaultCode, message: string, options: { readonly hint?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

/** The sentence of whatever was thrown. */
export function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}

/** Node's code of a system error: `ENOENT`. */
export function systemCode(thrown: unknown): string | undefined {
  return thrown instanceof Error && 'code' in thrown && typeof thrown.code === 'string' ? thrown.code : undefined;
}
