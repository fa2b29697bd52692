import type { IssuerStatus } from '../../gate/index.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';

/** What a worker is started with. */
export interface WorkerStart {
  readonly plan: Plan;
  /** Names this life of this worker: never used again. */
  readonly worker: string;
  readonly rates: SharedArrayBuffer;
  /** Listener name → where it listens already, chosen by the first worker. */
  readonly addresses: Readonly<Record<string, AddressPlan>>;
}

/** What control asks of a worker. Each is answered by a `WorkerAnswer` with the same `turn`. */
export type WorkerCall =
  | { readonly turn: number; readonly kind: 'swap'; readonly plan: Plan }
  | { readonly turn: number; readonly kind: 'revoke'; readonly ids: readonly string[] }
  | { readonly turn: number; readonly kind: 'admit'; readonly open: boolean }
  | { readonly turn: number; readonly kind: 'status' }
  | { readonly turn: number; readonly kind: 'stop'; readonly graceMs: number };

export type WorkerMessage =
  | { readonly kind: 'ready'; readonly addresses: Readonly<Record<string, AddressPlan>> }
  | { readonly kind: 'answer'; readonly turn: number; readonly status?: WorkerStatus; readonly fault?: string };

export interface WorkerStatus {
  readonly epoch: string;
  readonly keptDecisions: number;
  readonly endpoints: readonly { readonly service: string; readonly address: string; readonly inFlight: number }[];
  readonly issuers: readonly IssuerStatus[];
}
