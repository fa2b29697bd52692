import type { AuditRecord, OpenedCall } from './types.ts';

interface Place {
  readonly file: string;
  readonly line: number;
}

/** Of a line that was changed anything may be missing. */
type Unproven = Pick<AuditRecord, 'requestId'> & Partial<Pick<AuditRecord, 'timing'>>;

interface Unclosed extends Place {
  readonly timeMs: number;
  readonly worker: string;
}

/** Shorter calls are not told of as open. */
const earlyMsMin = 1000;
const earlyMax = 10_000;

/** Calls that the chain tells of as open, until it tells of their end. As many are held as were open at once. */
export class UnclosedCalls {
  readonly #calls = new Map<string, Unclosed>();
  /** Ended, as it seems without having been open: where an engine tells of both in two files, the end may come first. */
  readonly #early = new Set<string>();
  readonly #killed = new Set<string>();

  opened({ requestId, timeMs, worker }: OpenedCall, { file, line }: Place): void {
    if (this.#early.delete(requestId)) return;
    this.#calls.set(requestId, { timeMs, worker, file, line });
  }

  closed({ requestId, timing }: Unproven): void {
    // Nearly all calls end before anybody tells of them as open.
    if (this.#calls.delete(requestId) || !((timing?.totalMs ?? 0) >= earlyMsMin)) return;
    if (this.#early.size >= earlyMax) this.#early.clear();
    this.#early.add(requestId);
  }

  /** The chain says that this process was killed. Workers of one are named after it. */
  killed(process: string): void {
    this.#killed.add(process);
  }

  get count(): number {
    return this.#calls.size;
  }

  /** One for each worker, at the call of it that was opened first. That a worker lives the chain can't say. */
  findings(): ({ readonly message: string } & Place)[] {
    const byWorker = new Map<string, [requestId: string, call: Unclosed][]>();
    for (const [requestId, call] of this.#calls) {
      const calls = byWorker.get(call.worker) ?? [];
      byWorker.set(call.worker, calls);
      calls.push([requestId, call]);
    }
    return [...byWorker].flatMap(([worker, calls]) => {
      const [first, ...more] = calls;
      if (first === undefined) return [];
      const [requestId, { timeMs, file, line }] = first;
      const since = Number.isFinite(timeMs) ? new Date(timeMs).toISOString() : 'some time';
      const which = more.length === 0 ? `call ${requestId}` : `call ${requestId} and ${more.length} more`;
      const what = `${which} of worker ${worker}, opened ${more.length === 0 ? 'at' : 'from'} ${since}${more.length === 0 ? '' : ' on'}`;
      const isKilled = [...this.#killed].some((process) => worker === process || worker.startsWith(`${process}.`));
      const why = isKilled ? 'it was under way when the process went down' : 'open still, or the worker went down';
      return [{ message: `${what}: no end is recorded; ${why}`, file, line }];
    });
  }
}
