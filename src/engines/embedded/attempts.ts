import type { Permit } from '../../gate/index.ts';
import type { Ending } from './ending.ts';
import type { ReplicaSets, Target } from './replica-sets.ts';

/** The replicas that one call is tried at, one after the other, and what is recorded of them. */
export class Attempts<T extends Target> {
  /** The last of them. */
  replica: T | undefined;
  sentMs = 0;
  answeredMs = 0;
  readonly #service: string;
  readonly #replicas: ReplicaSets<T>;
  readonly #tried: T[] = [];
  #hasRetried = false;

  constructor(permit: Permit, replicas: ReplicaSets<T>) {
    this.#service = permit.fields.operation.service;
    this.#replicas = replicas;
  }

  /** The next replica; undefined: all were tried. */
  next(): T | undefined {
    const replica = this.#replicas.pick(this.#service, this.#tried);
    if (replica === undefined) return undefined;
    this.#tried.push(replica);
    this.replica = replica;
    return replica;
  }

  /** Whether all of it may be done again: once. */
  again(): boolean {
    if (this.#hasRetried) return false;
    this.#hasRetried = true;
    this.#tried.length = 0;
    return true;
  }

  /** What is recorded of a call that was answered. */
  answered(end: Pick<Ending, 'status' | 'bytesOut' | 'grpcStatus' | 'release'>): Ending {
    return { ...end, endpoint: this.replica?.name ?? '', upstreamMs: this.answeredMs - this.sentMs };
  }
}

/** Path and query that the upstream gets; the query is as it came. */
export function upstreamTarget({ fields: { upstreamPath } }: Permit, target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? upstreamPath : upstreamPath + target.slice(query);
}
