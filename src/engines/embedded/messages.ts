import type { MessagePort } from 'node:worker_threads';
import type { IssuerStatus } from '../../gate/index.ts';
import type { AddressPlan, Plan } from '../../plan/types.ts';
import type { CertificatesByListener, EndedCall, ServiceTraffic } from '../engine.ts';
import type { BoardingMemory } from './boarding-watch.ts';
import type { OpenCount } from './open-calls.ts';
import type { QueueNumbers } from './queues.ts';
import type { RosterByService } from './roster.ts';

export type Addresses = Readonly<Record<string, AddressPlan>>;

/** What a worker is started with. */
export interface WorkerStart {
  readonly plan: Plan;
  /** Names this life of this worker: never used again. */
  readonly worker: string;
  /** Of the engine's bounds, what is this worker's: 1 ÷ number of workers. */
  readonly share: number;
  readonly rates: SharedArrayBuffer;
  readonly floods: SharedArrayBuffer;
  /** Of further tries. */
  readonly budgets: SharedArrayBuffer;
  /** `replicaMemory()`, and the worker's number among the living ones: there it counts. */
  readonly replicas: SharedArrayBuffer;
  readonly thread: number;
  readonly roster: RosterByService;
  /** Listener name → where it listens already, chosen by the first worker. */
  readonly addresses: Addresses;
  /** Listener name → descriptor of the socket that this worker accepts on, where it was handed over. */
  readonly sockets: Readonly<Record<string, number>>;
  readonly isOpen: boolean;
  readonly boarding: BoardingMemory;
  readonly queues: QueueNumbers;
  /** Ports to the other threads, by their numbers. */
  readonly peers: ReadonlyMap<number, MessagePort>;
}

/** What the thread that carries assisted routes is started with. */
export interface AssistStart {
  readonly plan: Plan;
  readonly worker: string;
  readonly thread: number;
  readonly budgets: SharedArrayBuffer;
  readonly replicas: SharedArrayBuffer;
  readonly roster: RosterByService;
  readonly boarding: BoardingMemory;
  readonly queues: QueueNumbers;
  /** There is no other thread. */
  readonly peers: ReadonlyMap<number, MessagePort>;
  /** Unix socket on which it listens. */
  readonly socket: string;
}

/** What is asked of a worker. Each is answered by a `WorkerMessage` with the same `turn`. */
export type WorkerCall =
  | {
      readonly turn: number;
      readonly kind: 'swap';
      readonly plan: Plan;
      readonly addresses: Addresses;
      readonly queues: QueueNumbers;
      readonly roster: RosterByService;
    }
  /** Services that aren't named stay as they are. */
  | { readonly turn: number; readonly kind: 'replicas'; readonly roster: RosterByService }
  /** A new thread. */
  | { readonly turn: number; readonly kind: 'peer'; readonly thread: number; readonly port: MessagePort }
  | { readonly turn: number; readonly kind: 'revoke'; readonly ids: readonly string[] }
  | { readonly turn: number; readonly kind: 'admit'; readonly open: boolean }
  | { readonly turn: number; readonly kind: 'certificates'; readonly certificates: CertificatesByListener }
  /** Calls that were handed over. */
  | { readonly turn: number; readonly kind: 'end'; readonly calls: readonly EndedCall[] }
  | { readonly turn: number; readonly kind: 'status' }
  | { readonly turn: number; readonly kind: 'stop'; readonly graceMs: number };

export type WorkerMessage =
  | { readonly kind: 'ready'; readonly addresses: Addresses }
  | { readonly kind: 'log'; readonly line: string }
  | {
      readonly kind: 'answer';
      readonly turn: number;
      readonly value?: WorkerStatus | Addresses;
      readonly fault?: string;
    };

export interface WorkerStatus {
  readonly epoch: string;
  readonly keptDecisions: number;
  readonly questions: number;
  readonly issuers: readonly IssuerStatus[];
  readonly traffic: readonly ServiceTraffic[];
  /** Undefined: another engine looks after what is open. */
  readonly open: OpenCount | undefined;
}
