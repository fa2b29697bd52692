import type { StaticCore } from '../../audit/index.ts';
import type { DenialReason } from '../../gate/index.ts';

/** Calls of services whose messages pass as they come. */
const operations: ReadonlySet<string | null> = new Set(['call', 'reflect', 'health']);

/**
 * Why a stream was cut whose answer had begun, as far as HAProxy knows it, by how its session ended (configuration.txt, section 8.5; `D`: while data passed). HAProxy
 * can't say so to the client, who gets a reset.
 */
export function streamFault({ operation }: StaticCore, termination: string): DenialReason | undefined {
  // Not `SD`: that also is how it ends where the service has answered all and the client could send more.
  return operations.has(operation) && /^[sc]D/.test(termination) ? 'upstream-timeout' : undefined;
}

/** Whether the client has left such a call. */
export function hasLeft({ operation }: StaticCore, termination: string): boolean {
  return operations.has(operation) && /^CD/.test(termination);
}
