import type { Clock } from '../std/clock.ts';
import { type Fetch, fetchKeyEntries } from './fetch-keys.ts';
import { type IssuerKey, readIssuerKeys } from './issuer-key.ts';
import { firstFetchCooldownMs, keysRefreshMs, keysWaitMs, refetchCooldownMs } from './limits.ts';
import type { IssuerStatus } from './types.ts';

/** The keys of one issuer, kept fresh. Known keys stay good while the issuer can't be reached. */
export interface IssuerKeys {
  readonly issuer: string;
  /** Keys as known now, after the first look for them; undefined where that has not succeeded. */
  known(): Promise<readonly IssuerKey[] | undefined>;
  /** Looks again, unless that was done just now. Whether the keys are as the issuer has them at the moment. */
  again(): Promise<boolean>;
  /** Looks again beside the request path where the keys are old. */
  refreshIfOld(): void;
  status(): Omit<IssuerStatus, 'identity' | 'issuer'>;
}

interface State {
  keys: readonly IssuerKey[];
  fetchedAtMs: number | undefined;
  triedAtMs: number | undefined;
  error: string | undefined;
  /** The look that is under way: there is never more than one. */
  pending: Promise<void> | undefined;
}

export interface IssuerKeysOptions {
  readonly issuer: string;
  readonly clock: Clock;
  readonly fetch: Fetch;
  /** Where the entries of its key set come from. Default: discovery. */
  readonly entries?: () => Promise<readonly unknown[]>;
}

/** Starts the first look at once, in the background. */
export function createIssuerKeys(options: IssuerKeysOptions): IssuerKeys {
  const state: State = { keys: [], fetchedAtMs: undefined, triedAtMs: undefined, error: undefined, pending: undefined };
  const { clock, issuer } = options;
  const look = (): Promise<void> => {
    state.pending ??= fetchInto(state, options);
    return state.pending;
  };
  const triedWithin = (periodMs: number): boolean =>
    state.pending === undefined && state.triedAtMs !== undefined && clock.now() - state.triedAtMs < periodMs;
  void look();
  return {
    issuer,
    async known() {
      if (state.fetchedAtMs === undefined && !triedWithin(firstFetchCooldownMs)) await atMost(look(), keysWaitMs);
      return state.fetchedAtMs === undefined ? undefined : state.keys;
    },
    async again() {
      if (!triedWithin(refetchCooldownMs)) await atMost(look(), keysWaitMs);
      return state.error === undefined && state.pending === undefined;
    },
    refreshIfOld() {
      const isOld = state.fetchedAtMs === undefined || clock.now() - state.fetchedAtMs >= keysRefreshMs;
      if (isOld && !triedWithin(refetchCooldownMs)) void look();
    },
    status: () => statusOf(state),
  };
}

/** Never rejects: what went wrong is the state's. */
async function fetchInto(state: State, { issuer, clock, fetch, entries }: IssuerKeysOptions): Promise<void> {
  try {
    const found = entries === undefined ? await fetchKeyEntries(issuer, fetch) : await entries();
    state.keys = merge(state.keys, readIssuerKeys(found));
    state.fetchedAtMs = clock.now();
    state.error = undefined;
  } catch (cause) {
    state.error = sentence(cause);
  } finally {
    state.triedAtMs = clock.now();
    state.pending = undefined;
  }
}

/** A key that is still published stays the same object; one that isn't is retired. */
function merge(before: readonly IssuerKey[], after: readonly IssuerKey[]): readonly IssuerKey[] {
  const known = new Map(before.map((key) => [key.print, key]));
  const merged = after.map((key) => known.get(key.print) ?? key);
  const kept = new Set(merged);
  for (const key of before) if (!kept.has(key)) key.isRetired = true;
  return merged;
}

function statusOf(state: State): Omit<IssuerStatus, 'identity' | 'issuer'> {
  const { fetchedAtMs, error } = state;
  return {
    state:
      fetchedAtMs === undefined
        ? error === undefined
          ? 'unknown'
          : 'failed'
        : error === undefined
          ? 'ready'
          : 'stale',
    keys: state.keys.length,
    ...(fetchedAtMs !== undefined && { fetchedAtMs }),
    ...(error !== undefined && { error }),
  };
}

/** `fetch` hides what went wrong in its cause. */
function sentence(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  return cause.cause instanceof Error ? `${cause.message}: ${cause.cause.message}` : cause.message;
}

/** Waits for `work`, which never rejects, but not longer than `waitMs`. */
async function atMost(work: Promise<void>, waitMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, waitMs);
  });
  await Promise.race([work, timeout]);
  clearTimeout(timer);
}
