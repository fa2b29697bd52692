import { join } from 'node:path';
import type { AddressPlan, Plan } from '../../plan/types.ts';

/** Where one HAProxy process lives: all that its files need beyond the Plan. */
export interface Place {
  /** Names one life of the process: in request ids, spool lines and audit records. Letters, digits and `.`. */
  readonly worker: string;
  /** Folder of the files; absolute. */
  readonly directory: string;
  /** Sockets; absolute, at most 100 characters. */
  readonly gateSocket: string;
  readonly adminSocket: string;
  /** Where calls are handed over. */
  readonly assistSocket: string;
  /** Where HAProxy's own metrics are asked for. */
  readonly metricsSocket: string;
  /** Where listeners listen, by name; the Plan's own addresses where there is none. */
  readonly addresses?: Readonly<Record<string, AddressPlan>>;
  /** Descriptors that it is started with and listens on, by listener, in place of the address. */
  readonly sockets?: Readonly<Record<string, readonly number[]>>;
  /** Certificate and key in one file, by listener; the default is beside the other files. */
  readonly pem?: Readonly<Record<string, string>>;
}

/** The place that `headgate compile` prints for. */
export function examplePlace(plan: Plan): Place {
  const directory = join(plan.state, 'haproxy');
  return {
    worker: 'worker.1',
    directory,
    gateSocket: join(directory, 'gate.sock'),
    adminSocket: join(directory, 'admin.sock'),
    assistSocket: join(directory, 'assist.sock'),
    metricsSocket: join(directory, 'metrics.sock'),
  };
}
