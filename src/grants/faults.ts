export type StoreFaultCode = 'store-missing' | 'store-busy' | 'store-broken' | 'store-newer';

/** The store can't be asked. Nothing is ever allowed for that reason. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault';
  readonly code: StoreFaultCode;
  /** For the operator: what to do about it. */
  readonly hint: string | undefined;

  constructor(
    code: StoreFaultCode,
    message: string,
    options: { readonly hint?: string; readonly cause?: unknown } = {},
  ) {
    super(message, { cause: options.cause });
    this.code = code;
    this.hint = options.hint;
  }
}

export type KeyRefusalCode = 'key-exists' | 'key-missing' | 'keys-overlap';

/** What was asked for can't be done with the keys that there are. */
export class KeyRefusal extends Error {
  override readonly name = 'KeyRefusal';
  readonly code: KeyRefusalCode;
  readonly hint: string;

  constructor(code: KeyRefusalCode, message: string, hint: string) {
    super(message);
    this.code = code;
    this.hint = hint;
  }
}
