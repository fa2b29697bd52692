import type { CredentialFault, Fault } from './types.ts';

/** A refused credential. `detail` says which rule was broken, without text of the credential. */
export function fault(reason: CredentialFault, detail: string): Fault {
  return { kind: 'fault', fault: reason, detail };
}
