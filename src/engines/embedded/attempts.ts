import type { Permit } from '../../gate/index.ts';
import { retryBodyBytesMax } from '../../std/limits.ts';
import type { Carriage } from './carriage.ts';
import type { Ending } from './ending.ts';
import { retryAskedMsMax, retryBackoffMs } from './limits.ts';
import type { ReplicaSets, Target } from './replica-sets.ts';

export interface AttemptsOptions<T extends Target> {
  readonly permit: Permit;
  readonly replicas: Pick<ReplicaSets<T>, 'pick'>;
  /** Of the request: names and values, in turn. */
  readonly rawFields: readonly string[];
  readonly carriage: Carriage;
  /** Bytes of the body, where it is held whole. */
  readonly heldBytes: number | undefined;
  /** When the call's deadline passes, of `performance.now()`; without one `Infinity`. */
  readonly dueMs: number;
}

type Answered = Pick<Ending, 'status' | 'bytesOut' | 'grpcStatus' | 'release'>;

/** The replicas that one call is tried at, one after the other, and what is recorded of them. */
export class Attempts<T extends Target> {
  /** The last of them. */
  replica: T | undefined;
  /** Bytes of the body, where all that was sent of it can be sent again. */
  heldBytes: number | undefined;
  sentMs = 0;
  answeredMs = 0;
  readonly #options: AttemptsOptions<T>;
  readonly #tried: T[] = [];
  #count = 0;
  #retries = 0;
  #isAgain = false;
  #isRenewed = false;

  constructor(options: AttemptsOptions<T>) {
    this.#options = options;
    this.heldBytes = options.heldBytes;
  }

  /** Replicas that it was tried at, where there was more than one try. */
  get tries(): number | undefined {
    return this.#count > 1 ? this.#count : undefined;
  }

  /** The next replica; one that was tried already only where all may be tried again. */
  next(): T | undefined {
    if (this.#isOver) return undefined;
    let replica = this.#pick();
    if (replica === undefined && this.#isAgain) {
      this.#tried.length = 0;
      replica = this.#pick();
    }
    if (replica === undefined) return undefined;
    this.#isAgain = false;
    this.#count += 1;
    this.#tried.push(replica);
    this.replica = replica;
    return replica;
  }

  /**
   * Milliseconds until a call that may have been begun upon is tried again; undefined: it isn't. `askedMs`: for how long the replica
   * wants to be left alone.
   */
  repeat(askedMs: number): number | undefined {
    const { heldBytes } = this;
    const { permit } = this.#options;
    if (!permit.fields.operation.safe || heldBytes === undefined || heldBytes > retryBodyBytesMax) return undefined;
    return this.again(askedMs);
  }

  /**
   * The same where the replica said that it has not begun upon it, as when it says goodbye to a connection with many calls on it: once
   * for nothing, since no work was done twice.
   */
  renew(): number | undefined {
    if (this.#isOver) return undefined;
    if (this.#isRenewed) return this.again();
    this.#isRenewed = true;
    this.#isAgain = true;
    return 0;
  }

  /** The same where it was sent to nobody: it is safe, whatever the call is. */
  again(askedMs = 0): number | undefined {
    const { carriage, dueMs } = this.#options;
    if (this.#isOver) return undefined;
    if (this.#retries + 1 >= carriage.traffic.retries.triesMax || askedMs > retryAskedMsMax) return undefined;
    const nowMs = performance.now();
    // Full jitter, so that calls that failed together don't come back together.
    const waitMs = Math.max(askedMs, Math.random() * retryBackoffMs * 2 ** this.#retries);
    if (nowMs + waitMs >= dueMs || !carriage.mayRetry(nowMs)) return undefined;
    this.#retries += 1;
    this.#isAgain = true;
    return waitMs;
  }

  /** The last replica can't answer. */
  failed(): void {
    this.replica?.member.failed();
  }

  /** 502, 503 and 504 say that it can't; whatever else it says, it lives. */
  noteStatus(status: number): void {
    if (status >= 502 && status <= 504) this.failed();
    else this.replica?.member.succeeded();
  }

  /** What is recorded of a call that was answered. */
  answered({ status, bytesOut, grpcStatus, release }: Answered): Ending {
    const upstreamMs = this.answeredMs - this.sentMs;
    return { status, bytesOut, endpoint: this.replica?.name ?? '', upstreamMs, grpcStatus, tries: this.tries, release };
  }

  /** A call of a sequence is tried once: another replica doesn't know what came before, and the same may have taken it up. */
  get #isOver(): boolean {
    const { permit, carriage } = this.#options;
    const { model } = permit.fields.operation;
    return this.#count > 0 && model !== undefined && carriage.traffic.model(model).sequence !== undefined;
  }

  #pick(): T | undefined {
    const { permit, replicas, rawFields } = this.#options;
    return replicas.pick({ operation: permit.fields.operation, rawFields }, this.#tried);
  }
}

/** Path and query that the upstream gets; the query is as it came. */
export function upstreamTarget({ fields: { upstreamPath } }: Permit, target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? upstreamPath : upstreamPath + target.slice(query);
}
