/** Of what HAProxy has counted for a replica, over all backends of its service. */
export interface ReplicaCounts {
  readonly key: string;
  readonly successes: number;
  readonly failures: number;
}

/** Failures in a row after which a replica is passed over for a while. */
const failuresMax = 5;
/** For how long at first; twice as long each time. */
const ejectionMs = 1000;
const ejectionMsMax = 30_000;
/** At most this share of the replicas is passed over at once; of one alone, none. */
const shareMax = 0.5;

interface Standing {
  counts: ReplicaCounts;
  /** In a row. */
  failures: number;
  ejections: number;
  /** 0: it isn't passed over. */
  untilMs: number;
  wellSinceMs: number;
}

/**
 * Which replicas of a service are passed over because they fail: by what HAProxy counted between two looks, however far apart. Failures
 * are in a row where no call went well in between. When its time is over a replica gets calls again, and the next failure tells.
 */
export class Ejections {
  readonly #standings = new Map<string, Standing>();
  #ejections = 0;

  /** How often, since the start. */
  get count(): number {
    return this.#ejections;
  }

  get isAny(): boolean {
    return [...this.#standings.values()].some(({ untilMs }) => untilMs > 0);
  }

  /** Takes a look at all replicas of the service into account: keys of those that are passed over from now on. */
  see(replicas: readonly ReplicaCounts[], nowMs: number): ReadonlySet<string> {
    const keys = new Set(replicas.map(({ key }) => key));
    for (const key of this.#standings.keys()) if (!keys.has(key)) this.#standings.delete(key);
    for (const counts of replicas) this.#weigh(counts, nowMs);
    for (const { key } of replicas) this.#eject(key, replicas.length, nowMs);
    return new Set([...this.#standings].flatMap(([key, { untilMs }]) => (untilMs > 0 ? [key] : [])));
  }

  #weigh(counts: ReplicaCounts, nowMs: number): void {
    const known = this.#standings.get(counts.key);
    if (known === undefined) {
      this.#standings.set(counts.key, { counts, failures: 0, ejections: 0, untilMs: 0, wellSinceMs: nowMs });
      return;
    }
    const failures = counts.failures - known.counts.failures;
    const successes = counts.successes - known.counts.successes;
    known.counts = counts;
    if (known.untilMs > nowMs) return;
    // It has come to another slot, whose counts are others.
    if (failures < 0 || successes < 0) return;
    if (known.untilMs > 0) {
      // On trial: one failure more is enough.
      Object.assign(known, { untilMs: 0, failures: failuresMax - 1, wellSinceMs: nowMs });
      return;
    }
    known.failures = successes > 0 ? 0 : known.failures + failures;
    if (known.failures === 0 && nowMs - known.wellSinceMs > ejectionMsMax) known.ejections = 0;
  }

  #eject(key: string, replicas: number, nowMs: number): void {
    const standing = this.#standings.get(key);
    if (standing === undefined || standing.untilMs > 0 || standing.failures < failuresMax) return;
    const others = [...this.#standings.values()].filter(({ untilMs }) => untilMs > 0).length;
    if (others + 1 > replicas * shareMax) return;
    standing.untilMs = nowMs + Math.min(ejectionMs * 2 ** Math.min(standing.ejections, 10), ejectionMsMax);
    standing.ejections += 1;
    standing.failures = 0;
    this.#ejections += 1;
  }
}
