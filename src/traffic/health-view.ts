import { type Liveness, lackingOf, type ReplicaHealth } from './replica-health.ts';

/** What a replica waits for is listed up to so many. */
export const waitsShownMax = 10;

/** What is known of one replica, for people. */
export interface ReplicaView {
  readonly service: string;
  readonly replica: string;
  readonly liveness: Liveness;
  readonly sinceMs: number;
  readonly why?: string;
  /** What it should have soon, the longest waited for first; at most `waitsShownMax`, of `waits`. */
  readonly waitsFor: readonly { readonly what: string; readonly sinceMs: number; readonly isLoading: boolean }[];
  readonly waits: number;
  /** Models that it hasn't been asked for yet. */
  readonly unasked: number;
  /** Models that it doesn't have, and that nobody waits for. */
  readonly without: number;
}

export function viewOf(replica: ReplicaHealth): ReplicaView {
  const models = [...replica.models.values()].filter((model) => lackingOf(model).length > 0);
  const waits = models
    .filter(({ isLoading, isExpected }) => isLoading || isExpected)
    .flatMap((model) => lackingOf(model).map((what) => ({ what, sinceMs: model.sinceMs, isLoading: model.isLoading })));
  const rest = models.filter(({ isLoading, isExpected }) => !isLoading && !isExpected);
  const unasked = rest.filter(({ available }) => available === undefined).length;
  return {
    service: replica.service,
    replica: replica.name,
    liveness: replica.liveness,
    sinceMs: replica.sinceMs,
    ...(replica.liveness === 'down' && replica.why !== undefined && { why: replica.why }),
    waitsFor: waits.toSorted((one, other) => one.sinceMs - other.sinceMs).slice(0, waitsShownMax),
    waits: waits.length,
    unasked,
    without: rest.length - unasked,
  };
}
